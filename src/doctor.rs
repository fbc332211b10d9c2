//! What stands between this machine and a session that works: checks, what each found, what that
//! means, and the command that mends it.
//!
//! Checks change nothing, but for a container that is removed again. Each has a deadline, and none
//! takes its decision on podman's words: why a container does not start is found by starting it in
//! other ways.

use std::path::{Path, PathBuf};
use std::thread;

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::error::{Error, Result, shell_quote};

mod advisories;
mod credentials;
mod engine;
mod host;
mod images;
mod integration;
mod packages;
mod probe;
mod rootless;
mod sessions;

/// What is checked; the stable code of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Podman is there, new enough, and answers.
    Podman,
    /// The virtual machine that podman needs on macOS runs.
    PodmanMachine,
    /// A container starts, in the form that sessions have.
    Container,
    /// The program that makes containers works on this kernel.
    Runtime,
    /// The cgroups of a container can be made.
    CgroupManager,
    /// The limits that podman sets can be set.
    Ulimits,
    /// The program that reaps processes inside is there.
    Init,
    /// A container has a network.
    Network,
    /// Layers of images are shared, not copied.
    StorageDriver,
    /// There is room for images.
    Disk,
    /// The user has ids for containers.
    SubordinateIds,
    /// The programs that map ids may do so.
    IdMappingTools,
    /// The device that a rootless network needs can be opened.
    TunDevice,
    /// The program that makes a rootless network is there.
    NetworkHelper,
    /// The root file system's mounts are shared with containers.
    RootMount,
    /// The user's runtime directory is there and theirs.
    RuntimeDirectory,
    /// The user's message bus can be reached.
    SessionBus,
    /// The user's processes go on after the last logout.
    Linger,
    /// The login manager leaves processes alone.
    KillUserProcesses,
    /// The kernel has keyrings left for containers.
    Keyring,
    /// Agents find their keys.
    Credentials,
    /// Agents' images are built, and current.
    Images,
    /// Sessions are whole.
    Sessions,
    /// Nothing is left of what a crash interrupted.
    Leftovers,
    /// No flaw is known of the versions in use.
    Advisories,
    /// The shell starts sessions on entering a project.
    ShellHook,
    /// The shell completes commands.
    Completions,
    /// Nushell has the plugin.
    NushellPlugin,
}

/// The code of a check, as it is printed.
#[must_use]
pub fn code(check: Check) -> String {
    let value = serde_json::to_value(check).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// Worth knowing.
    Note,
    /// Could not be found out, because something else failed.
    Unknown,
    /// Works, but will hurt.
    Warning,
    /// Sessions do not work.
    Failed,
}

/// What one check found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, in one line.
    pub found: String,
    /// What it means for sessions; empty where all is well.
    pub meaning: String,
    /// What mends it.
    pub mend: Mend,
}

/// What mends a finding.
#[derive(Debug, Clone, Default)]
pub enum Mend {
    /// Nothing has to be mended, or nothing can.
    #[default]
    None,
    /// A command for the user to type: it takes long, or works in their own shell only.
    Manual(String),
    /// Commands that `--fix` runs.
    Commands(Vec<Command>),
}

/// A command that mends something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments, with `sudo` where root is needed.
    pub words: Vec<String>,
}

impl Command {
    /// A command of the user's own.
    #[must_use]
    pub fn new(words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| (*word).into()).collect() }
    }

    /// A command of root's.
    #[must_use]
    pub fn as_root(words: &[&str]) -> Self {
        let sudo = (!rustix::process::geteuid().is_root()).then_some("sudo");
        Self::new(&[sudo.as_slice(), words].concat())
    }

    /// The command that writes a file of podman's configuration, below a directory that may have to
    /// be made. Its text is as `printf %b` takes it.
    #[must_use]
    pub fn write(file: &Path, text: &str) -> Self {
        const SCRIPT: &str = r#"mkdir -p "${1%/*}" && printf %b "$2" >"$1""#;
        Self::new(&["sh", "-c", SCRIPT, "sh", &file.to_string_lossy(), text])
    }

    /// The command as it is typed.
    #[must_use]
    pub fn shown(&self) -> String {
        self.words.iter().map(|word| shell_quote(word)).collect::<Vec<_>>().join(" ")
    }
}

impl Mend {
    /// The line to type.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Manual(line) => Some(line.clone()),
            Self::Commands(commands) => {
                Some(commands.iter().map(Command::shown).collect::<Vec<_>>().join(" && "))
            }
        }
    }
}

impl Finding {
    fn new(check: Check, verdict: Verdict, found: impl Into<String>) -> Self {
        let (found, meaning, mend) = (found.into(), String::new(), Mend::None);
        Self { check, verdict, found, meaning, mend }
    }

    fn ok(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, found)
    }

    fn note(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Note, found)
    }

    fn warning(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, found)
    }

    fn failed(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Failed, found)
    }

    fn unknown(check: Check, because: &str) -> Self {
        Self::new(check, Verdict::Unknown, format!("not checked: {because}"))
    }

    fn meaning(self, meaning: impl Into<String>) -> Self {
        Self { meaning: meaning.into(), ..self }
    }

    fn manual(self, line: impl Into<String>) -> Self {
        Self { mend: Mend::Manual(line.into()), ..self }
    }

    fn mend(self, commands: Vec<Command>) -> Self {
        Self { mend: Mend::Commands(commands), ..self }
    }
}

/// A file of podman's configuration: the user's, or where that is root the machine's.
fn podmans_file(ctx: &Context, name: &str) -> PathBuf {
    let folder = if rustix::process::geteuid().is_root() {
        "/etc/containers".into()
    } else {
        ctx.xdg("XDG_CONFIG_HOME", ".config").join("containers")
    };
    folder.join(name)
}

/// Checks everything. What needs podman is asked while the rest is looked at.
///
/// # Errors
/// [`Error::Io`] where a thread died.
pub fn examine(ctx: &Context) -> Result<Vec<Finding>> {
    let mut all = thread::scope(|scope| {
        let engine = scope.spawn(|| engine::check(ctx));
        let rest = [rootless::check(ctx), host::check(ctx), credentials::check(ctx)].concat();
        let integration = integration::check(ctx);
        let engine = engine.join().map_err(|_| Error::panicked("asking podman"))?;
        Ok([engine, rest, integration].concat())
    })?;
    all.sort_by_key(|finding| finding.check as u8);
    Ok(all)
}

/// The error with the finding that explains it in podman's place, where podman failed and there is
/// one; podman's words stay as its causes.
#[must_use]
pub fn explained(ctx: &Context, error: Error) -> Error {
    let may_be_the_machines = matches!(
        error,
        Error::PodmanFailed { .. } | Error::PodmanUnreachable { .. } | Error::BuildFailed { .. }
    );
    if !may_be_the_machines {
        return error;
    }
    match explanation(ctx) {
        None => error,
        Some(finding) => Error::Unfit {
            code: code(finding.check),
            fix: finding.mend.shown(),
            found: finding.found,
            meaning: finding.meaning,
            words: error.causes().join("\n"),
        },
    }
}

/// What hurts every container comes before what shows itself in one.
fn explanation(ctx: &Context) -> Option<Finding> {
    // That a container does not start is what podman has said already.
    let explains =
        |finding: &Finding| finding.verdict == Verdict::Failed && finding.check != Check::Container;
    let mut causes = [rootless::check(ctx), host::check(ctx)].concat().into_iter();
    causes.find(explains).or_else(|| engine::check_starting(ctx).into_iter().find(explains))
}
