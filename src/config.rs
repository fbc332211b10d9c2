//! Settings: what a project's file and the user's own can say, and what holds in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::session::{Limits, SessionName};

mod parse;

pub use parse::parse;

/// The contents of `.agent-session.toml`: all that a project can ask for. Nothing in it can allow
/// itself, hook into the shell, or change anything of the host's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectFile {
    /// The name of its session; else one made from the directory's.
    pub name: Option<SessionName>,
    /// Its agent.
    pub agent: Option<String>,
    /// Directories to work on besides its root, relative to it.
    pub paths: Vec<PathBuf>,
    /// `SRC[:DST][:ro]`, as `--mount` takes it; a relative source begins at the root.
    pub mounts: Vec<String>,
    /// Variables inside.
    pub env: BTreeMap<String, EnvValue>,
    /// What happens when a shell enters it.
    pub auto: Option<Auto>,
    /// Arguments for the agent.
    pub args: Option<Vec<String>>,
    /// What the session is held to.
    pub limits: Limits,
    /// A shell command, run once in a new session before its agent starts.
    pub setup: Option<String>,
}

/// The contents of the user's `config.toml`: defaults for sessions, and what holds for this host.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserFile {
    /// The agent where none is named; nobody is asked then.
    pub agent: Option<String>,
    /// `SRC[:DST][:ro]` for every session; a relative source begins at the home directory.
    pub mounts: Vec<String>,
    /// Variables inside every session.
    pub env: BTreeMap<String, EnvValue>,
    /// What happens when a shell enters a project that does not say so itself.
    pub auto: Option<Auto>,
    /// What every session is held to.
    pub limits: Limits,
    /// What becomes of `attach` inside tmux or screen.
    pub multiplexer: Option<Multiplexer>,
}

impl UserFile {
    /// The user's settings; none where there is no file.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], [`Error::Io`].
    pub fn read(ctx: &Context) -> Result<Self> {
        let path = Self::path(ctx);
        match fs::read(&path) {
            Ok(bytes) => parse(&bytes, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::io(format!("reading {}", path.display()), source)),
        }
    }

    /// Where it is: `$XDG_CONFIG_HOME/agent-session/config.toml`.
    #[must_use]
    pub fn path(ctx: &Context) -> PathBuf {
        ctx.config_dir().join("config.toml")
    }
}

/// What happens when a shell enters a trusted project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Auto {
    /// Its session is started and gets the terminal.
    #[default]
    Attach,
    /// Its session is started.
    Background,
    /// One line says that there is one.
    Hint,
    /// Nothing.
    Off,
}

impl fmt::Display for Auto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attach => "attach",
            Self::Background => "background",
            Self::Hint => "hint",
            Self::Off => "off",
        })
    }
}

/// What becomes of [`Auto::Attach`] inside tmux or screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Multiplexer {
    /// One line.
    #[default]
    Hint,
    /// The session gets the pane.
    Attach,
}

impl fmt::Display for Multiplexer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Hint { "hint" } else { "attach" })
    }
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a text is wanted, or true for the host's own value")]
pub enum EnvValue {
    /// This.
    Text(String),
    /// What it is on the host; `false` leaves it out.
    Host(bool),
}

/// Variables as `--env` takes them: `NAME=VALUE`, or `NAME` for the host's.
#[must_use]
pub fn env_entries(env: &BTreeMap<String, EnvValue>) -> Vec<String> {
    let entry = |(name, value): (&String, &EnvValue)| match value {
        EnvValue::Text(text) => Some(format!("{name}={text}")),
        EnvValue::Host(true) => Some(name.clone()),
        EnvValue::Host(false) => None,
    };
    env.iter().filter_map(entry).collect()
}

/// One of a file's mounts with its source made absolute: `~/…` is below the home directory, and
/// what is relative begins at `base`.
#[must_use]
pub fn absolute_mount(ctx: &Context, base: &Path, entry: &str) -> String {
    let (base, rest) = match entry.strip_prefix("~/") {
        Some(rest) => (ctx.home.as_path(), rest),
        None => (base, entry),
    };
    // As text: the end of an entry is no part of the path.
    if rest.starts_with('/') { rest.into() } else { format!("{}/{rest}", base.display()) }
}
