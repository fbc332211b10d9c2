//! What can go wrong, as one type: a message, a stable code, a command to type, an exit code.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

mod hint;

/// A failed command.
///
/// [`code`](Error::code), [`hint`](Error::hint) and [`exit_code`](Error::exit_code) are exhaustive
/// matches: a new failure does not compile until it has all three.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum Error {
    #[error("{} failed: {}", .operation, last_line(.stderr))]
    PodmanFailed { operation: String, stderr: String },
    #[error("building the image of '{agent}' failed; the log is in {}", .log.display())]
    BuildFailed { agent: String, log: PathBuf, tail: String },
    #[error(
        "no image to build on: {image} cannot be fetched, and {}",
        if *.tried { "making one failed" } else { "there is nothing here to make one with" }
    )]
    BaseUnavailable { image: String, tried: bool, causes: String },
    #[error(
        "no Zellij {version}: its release cannot be fetched, and {}",
        if *.tried { "building it failed" } else { "there is no cargo here to build it with" }
    )]
    ZellijUnavailable { version: String, tried: bool, causes: String },
    #[error("'{command}' failed: {reason}")]
    MendFailed { command: String, reason: String, words: String },
    #[error("the terminal server of session '{name}' did not start: {}", last_line(.stderr))]
    ServerFailed { name: String, stderr: String },
    #[error("the setup of session '{name}' failed: {}", last_line(.tail))]
    SetupFailed { name: String, tail: String },
    #[error("{action}: {source}")]
    Io { action: String, source: std::io::Error },

    #[error("{message}")]
    Usage { message: String },
    #[error(
        "invalid session name '{}': a name is a letter or digit, then up to 62 letters, digits, '_', '.', '-'",
        .0.escape_debug()
    )]
    InvalidName(String),
    #[error("{message}")]
    InvalidPath { message: String },
    #[error("{message}")]
    InvalidMount { message: String },
    #[error("{message}")]
    InvalidEnv { message: String },
    #[error("{}:{line}:{column}: {message}", shown(.file))]
    InvalidConfig { file: PathBuf, line: usize, column: usize, message: String },

    #[error("session '{name}' not found")]
    SessionNotFound { name: String, nearest: Option<String> },
    #[error("agent '{name}' not found")]
    AgentNotFound { name: String, nearest: Option<String> },
    #[error("no project at or above {}: there is no .agent-session.toml", shown(.directory))]
    ProjectNotFound { directory: PathBuf },
    #[error("{}no such path: {}", in_variable(*.variable), .path.display())]
    PathNotFound { path: PathBuf, variable: Option<&'static str> },

    #[error("cannot remove running session '{name}'")]
    SessionRunning { name: String },
    #[error(
        "session '{name}' has other mounts than the ones asked for\n  it has:    {has}\n  asked for: {asked}"
    )]
    SessionMountsDiffer { name: String, has: String, asked: String },
    #[error("session '{name}' runs the agent '{has}', not '{asked}'")]
    SessionAgentDiffers { name: String, has: String, asked: String },
    #[error("session '{name}' exists with other {what}; they are fixed when a session is created")]
    SessionSettingsDiffer { name: String, what: &'static str },
    #[error(
        "session '{name}' was made by a newer agent-session (schema {schema}); this one does not change it"
    )]
    SessionTooNew { name: String, schema: String },
    #[error("another agent-session has been at work on session '{name}' for {seconds} s")]
    SessionBusy { name: String, seconds: u64 },
    #[error("'{container}' exists, but is not a session of agent-session")]
    NameTaken { name: String, container: String },
    #[error("a mount of session '{name}' is no longer what it was: {}", .path.display())]
    MountChanged { name: String, path: PathBuf },
    #[error("the image of agent '{agent}' is not built")]
    ImageNotBuilt { agent: String },

    #[error("{} is there already, and stays as it is", shown(.file))]
    ProjectExists { file: PathBuf },

    #[error("podman is not installed, or not in PATH")]
    PodmanMissing,
    #[error("podman {found} is too old: 4.0 or newer is needed")]
    PodmanTooOld { found: String },
    #[error("podman does not work here: {}", last_line(.stderr))]
    PodmanUnreachable { stderr: String, remote: bool },
    #[error("{found}: {meaning}")]
    Unfit { code: String, found: String, meaning: String, fix: Option<String>, words: String },
    #[error("podman did not answer within {seconds} s ({operation})")]
    PodmanTimeout { operation: String, seconds: u64 },

    #[error("removing {} needs a confirmation", quoted(.names))]
    ConfirmationRequired { names: Vec<String> },
    #[error("mending this needs a confirmation")]
    MendsProposed { mends: Vec<(String, String)> },
    #[error("no agent was chosen")]
    AgentRequired { agents: Vec<AgentChoice> },
    #[error("declined: {what}")]
    Declined { what: String, hint: String },

    #[error("{} is not mounted into a session: {reason}", .path.display())]
    MountForbidden { path: PathBuf, reason: &'static str },
    #[error("{}/.agent-session.toml {reason}", shown(.root))]
    ProjectUntrusted { root: PathBuf, reason: &'static str },
}

/// One line of the menu of agents.
#[derive(Debug, Clone)]
pub struct AgentChoice {
    /// Its name, as `-a` takes it.
    pub name: String,
    /// Its name, as the menu shows it.
    pub title: String,
    /// Whether its image is built.
    pub ready: bool,
}

/// The result of anything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An input or output error of the host's, with what was being done.
    pub fn io(action: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { action: action.into(), source }
    }

    /// A thread of this program's own died: a defect, told rather than passed over.
    #[must_use]
    pub fn panicked(action: &str) -> Self {
        Self::io(action, std::io::Error::other("a thread panicked"))
    }

    /// The stable name of this kind of failure, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::PodmanFailed { .. } => "podman_failed",
            Self::BuildFailed { .. } => "build_failed",
            Self::BaseUnavailable { .. } => "base_unavailable",
            Self::ZellijUnavailable { .. } => "zellij_unavailable",
            Self::ServerFailed { .. } => "server_failed",
            Self::MendFailed { .. } => "mend_failed",
            Self::SetupFailed { .. } => "setup_failed",
            Self::Io { .. } => "io",
            Self::Usage { .. } => "usage",
            Self::InvalidName(_) => "invalid_name",
            Self::InvalidPath { .. } => "invalid_path",
            Self::InvalidMount { .. } => "invalid_mount",
            Self::InvalidEnv { .. } => "invalid_env",
            Self::InvalidConfig { .. } => "invalid_config",
            Self::SessionNotFound { .. } => "session_not_found",
            Self::AgentNotFound { .. } => "agent_not_found",
            Self::ProjectNotFound { .. } => "project_not_found",
            Self::PathNotFound { .. } => "path_not_found",
            Self::SessionRunning { .. } => "session_running",
            Self::SessionMountsDiffer { .. } => "session_mounts_differ",
            Self::SessionAgentDiffers { .. } => "session_agent_differs",
            Self::SessionSettingsDiffer { .. } => "session_settings_differ",
            Self::SessionTooNew { .. } => "session_too_new",
            Self::SessionBusy { .. } => "session_busy",
            Self::NameTaken { .. } => "name_taken",
            Self::MountChanged { .. } => "mount_changed",
            Self::ImageNotBuilt { .. } => "image_not_built",
            Self::ProjectExists { .. } => "project_exists",
            Self::PodmanMissing => "podman_missing",
            Self::PodmanTooOld { .. } => "podman_too_old",
            Self::PodmanUnreachable { .. } => "podman_unreachable",
            Self::PodmanTimeout { .. } => "podman_timeout",
            Self::Unfit { code, .. } => code,
            Self::ConfirmationRequired { .. } | Self::MendsProposed { .. } => {
                "confirmation_required"
            }
            Self::AgentRequired { .. } => "agent_required",
            Self::Declined { .. } => "declined",
            Self::MountForbidden { .. } => "mount_forbidden",
            Self::ProjectUntrusted { .. } => "project_untrusted",
        }
    }

    /// The exit code: 1 failed, 2 usage, 3 not found, 4 state, 5 engine, 6 nobody to ask or
    /// declined, 7 not allowed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::PodmanFailed { .. }
            | Self::BuildFailed { .. }
            | Self::BaseUnavailable { .. }
            | Self::ZellijUnavailable { .. }
            | Self::ServerFailed { .. }
            | Self::MendFailed { .. }
            | Self::SetupFailed { .. }
            | Self::Io { .. } => 1,
            Self::Usage { .. }
            | Self::InvalidName(_)
            | Self::InvalidPath { .. }
            | Self::InvalidMount { .. }
            | Self::InvalidEnv { .. }
            | Self::InvalidConfig { .. } => 2,
            Self::SessionNotFound { .. }
            | Self::AgentNotFound { .. }
            | Self::ProjectNotFound { .. }
            | Self::PathNotFound { .. } => 3,
            Self::SessionRunning { .. }
            | Self::SessionMountsDiffer { .. }
            | Self::SessionAgentDiffers { .. }
            | Self::SessionSettingsDiffer { .. }
            | Self::SessionTooNew { .. }
            | Self::SessionBusy { .. }
            | Self::NameTaken { .. }
            | Self::MountChanged { .. }
            | Self::ProjectExists { .. }
            | Self::ImageNotBuilt { .. } => 4,
            Self::PodmanMissing
            | Self::PodmanTooOld { .. }
            | Self::PodmanUnreachable { .. }
            | Self::PodmanTimeout { .. }
            | Self::Unfit { .. } => 5,
            Self::ConfirmationRequired { .. }
            | Self::MendsProposed { .. }
            | Self::AgentRequired { .. }
            | Self::Declined { .. } => 6,
            Self::MountForbidden { .. } | Self::ProjectUntrusted { .. } => 7,
        }
    }

    /// What lies behind it, outermost first: podman's own words, the end of a build's log.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let text = match self {
            Self::PodmanFailed { stderr, .. }
            | Self::ServerFailed { stderr, .. }
            | Self::PodmanUnreachable { stderr, .. } => stderr,
            Self::BuildFailed { tail, .. } | Self::SetupFailed { tail, .. } => tail,
            Self::BaseUnavailable { causes, .. } | Self::ZellijUnavailable { causes, .. } => causes,
            Self::MendFailed { words, .. } | Self::Unfit { words, .. } => words,
            Self::MendsProposed { mends } => {
                return mends.iter().map(|(code, mend)| format!("{code}: {mend}")).collect();
            }
            _ => return Vec::new(),
        };
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(Into::into).collect()
    }

    /// The failure as it is printed under `--json`.
    #[must_use]
    pub fn report(&self) -> ErrorReport {
        ErrorReport {
            error: ErrorBody {
                code: self.code().to_owned(),
                message: self.to_string(),
                hint: self.hint(),
                causes: self.causes(),
            },
        }
    }
}

/// A failure of any command, on standard error
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorReport {
    /// The failure.
    pub error: ErrorBody,
}

/// What went wrong, and what to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorBody {
    /// The stable name of this kind of failure; new ones are added.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// What to type next.
    pub hint: String,
    /// What lies behind it, outermost first: podman's own words, the end of a build's log.
    pub causes: Vec<String>,
}

/// A path in a message: nothing in it that a terminal would obey, or that would look like a second
/// line.
#[must_use]
pub fn shown(path: &Path) -> String {
    crate::text::clean(&path.to_string_lossy())
}

/// `text` as one word of a shell's command line.
#[must_use]
pub fn shell_quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,~".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What a program said at its end: the line that most often holds the reason.
pub(crate) fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given")
}

fn in_variable(variable: Option<&'static str>) -> String {
    variable.map(|name| format!("{name}: ")).unwrap_or_default()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_messages_are_kept_to_the_letter() {
        let missing = Error::SessionNotFound { name: "X".into(), nearest: None };
        assert_eq!(missing.to_string(), "session 'X' not found");
        let running = Error::SessionRunning { name: "X".into() };
        assert!(running.to_string().starts_with("cannot remove running session"));
        assert_eq!(running.hint(), "agent-session stop X && agent-session rm X");
    }

    #[test]
    fn the_last_line_of_podmans_words_is_the_message() {
        let error = Error::PodmanFailed {
            operation: "podman start".into(),
            stderr: "warning: x\nError: no space left\n\n".into(),
        };
        assert_eq!(error.to_string(), "podman start failed: Error: no space left");
        assert_eq!(error.causes(), ["warning: x", "Error: no space left"]);
    }
}
