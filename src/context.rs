//! What a command may know of its surroundings. The only reader of the process's environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::podman::Podman;
use crate::process::{Interrupt, Programs};

/// The name of this program's own directories.
const OWN: &str = "agent-session";

/// Something a command wants said while it works; never part of its result.
#[derive(Debug)]
pub enum Event<'a> {
    /// One sentence for the user.
    Note(&'a str),
    /// This goes on, until [`Event::Worked`].
    Working(&'a str),
    /// What went on has ended.
    Worked,
    /// A build of this image has begun.
    BuildStarted(&'a str),
    /// A tool of the host's has begun to make this.
    ToolStarted(&'a str),
    /// One line that podman or a tool printed while it builds.
    BuildLine(&'a str),
    /// The work that began last has ended, well or not.
    BuildEnded {
        /// Whether it succeeded.
        ok: bool,
    },
}

/// Receives the events of a command; the edge decides how they look.
pub type Listener = Box<dyn Fn(Event<'_>) + Send + Sync>;

/// The surroundings of a command: directories, environment, engine.
pub struct Context {
    /// The directory the command was given in.
    pub cwd: PathBuf,
    /// The user's home directory.
    pub home: PathBuf,
    /// Podman.
    pub podman: Podman,
    /// The host's other programs.
    pub programs: Programs,
    /// Whether somebody can be asked: a terminal on standard input and error, and no JSON wanted.
    pub can_ask: bool,
    /// Whether a session can be attached: a terminal on standard input and output, no JSON.
    pub can_attach: bool,
    listener: Listener,
}

impl Context {
    /// The surroundings of this process.
    ///
    /// # Errors
    /// [`Error::Io`] where the user has no home directory or the working directory is gone.
    #[allow(clippy::disallowed_methods, reason = "the one reader of the environment")]
    pub fn from_process(listener: Listener) -> Result<Self> {
        let cwd = std::env::current_dir()
            .map_err(|source| Error::io("reading the working directory", source))?;
        let programs = Programs::new(std::env::vars_os().collect(), cwd, Interrupt::default());
        Self::new(programs, std::env::home_dir(), listener)
    }

    /// Surroundings that are not those of this process: the directory and the environment of these
    /// programs. Nobody can be asked, and no terminal attached.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no home directory.
    pub fn new(programs: Programs, home: Option<PathBuf>, listener: Listener) -> Result<Self> {
        let home = home.filter(|home| home.is_absolute()).ok_or_else(|| {
            Error::io("finding the home directory", std::io::ErrorKind::NotFound.into())
        })?;
        Ok(Self {
            cwd: programs.directory().to_owned(),
            home,
            podman: Podman::new(&programs),
            programs,
            can_ask: false,
            can_attach: false,
            listener,
        })
    }

    /// Says something to whoever listens.
    pub fn say(&self, event: Event<'_>) {
        (self.listener)(event);
    }

    /// Says one sentence to whoever listens.
    pub fn note(&self, sentence: impl AsRef<str>) {
        self.say(Event::Note(sentence.as_ref()));
    }

    /// Never lets the user wait for long, or for a question: for what they did not ask for.
    pub fn hurry(&mut self) {
        self.can_ask = false;
        if self.var("AGENT_SESSION_PODMAN_TIMEOUT").is_none() {
            self.podman.hurry();
        }
    }

    /// The value of an environment variable that is set and not empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        let found = self.programs.environment().iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// The value of an environment variable as text.
    ///
    /// # Errors
    /// [`Error::InvalidEnv`] where it is not UTF-8.
    pub fn text_var(&self, name: &str) -> Result<Option<&str>> {
        self.var(name)
            .map(|value| {
                value.to_str().ok_or_else(|| Error::InvalidEnv {
                    message: format!("the value of {name} is not UTF-8"),
                })
            })
            .transpose()
    }

    /// Where the user's own agents are: `$XDG_CONFIG_HOME/agent-session`.
    #[must_use]
    pub fn config_dir(&self) -> PathBuf {
        self.xdg("XDG_CONFIG_HOME", ".config").join(OWN)
    }

    /// Where locks are: `$XDG_STATE_HOME/agent-session`.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.xdg("XDG_STATE_HOME", ".local/state").join(OWN)
    }

    /// Where build contexts and their logs are: `$XDG_CACHE_HOME/agent-session`.
    #[must_use]
    pub fn cache_dir(&self) -> PathBuf {
        self.xdg("XDG_CACHE_HOME", ".cache").join(OWN)
    }

    /// One of the XDG base directories.
    #[must_use]
    pub fn xdg(&self, variable: &str, fallback: &str) -> PathBuf {
        let base = self.var(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        base.unwrap_or_else(|| self.home.join(fallback))
    }

    /// `path` as seen from the working directory.
    #[must_use]
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }

    /// How long to wait for another process that works on the same session:
    /// `AGENT_SESSION_LOCK_TIMEOUT` in seconds, else a minute.
    #[must_use]
    pub fn lock_timeout(&self) -> Duration {
        let seconds = self.var("AGENT_SESSION_LOCK_TIMEOUT").and_then(OsStr::to_str);
        Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(60))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
