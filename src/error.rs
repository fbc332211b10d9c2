//! What can go wrong, as one type: a message, a stable code, a command to type, an exit code.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

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
    #[error("podman did not answer within {seconds} s ({operation})")]
    PodmanTimeout { operation: String, seconds: u64 },

    #[error("removing {} needs a confirmation", quoted(.names))]
    ConfirmationRequired { names: Vec<String> },
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
    pub fn code(&self) -> &'static str {
        match self {
            Self::PodmanFailed { .. } => "podman_failed",
            Self::BuildFailed { .. } => "build_failed",
            Self::ServerFailed { .. } => "server_failed",
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
            Self::ConfirmationRequired { .. } => "confirmation_required",
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
            | Self::ServerFailed { .. }
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
            | Self::PodmanTimeout { .. } => 5,
            Self::ConfirmationRequired { .. }
            | Self::AgentRequired { .. }
            | Self::Declined { .. } => 6,
            Self::MountForbidden { .. } | Self::ProjectUntrusted { .. } => 7,
        }
    }

    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::PodmanFailed { .. }
            | Self::Io { .. }
            | Self::SessionNotFound { nearest: None, .. } => "agent-session ls".into(),
            Self::BuildFailed { log, .. } => {
                format!("less {}", shell_quote(&log.to_string_lossy()))
            }
            Self::ServerFailed { name, .. } => {
                format!("agent-session stop {name} && agent-session restart {name}")
            }
            Self::SetupFailed { name, .. } => format!(
                "agent-session restart {name} (tries again), or after a change of the project's file \
                 agent-session rm {name} && agent-session start"
            ),
            Self::Usage { .. } => "agent-session --help".into(),
            Self::InvalidName(name) => format!("agent-session start -n {}", suggest_name(name)),
            Self::InvalidPath { .. } | Self::InvalidMount { .. } | Self::InvalidEnv { .. } => {
                "agent-session start --help".into()
            }
            Self::InvalidConfig { file, .. } | Self::ProjectExists { file } => {
                format!("${{EDITOR:-vi}} {}", shell_quote(&file.to_string_lossy()))
            }
            Self::SessionNotFound { nearest: Some(near), .. } => {
                format!("did you mean '{near}'? agent-session ls")
            }
            Self::AgentNotFound { nearest: Some(near), .. } => {
                format!("did you mean '{near}'? agent-session agents")
            }
            Self::AgentNotFound { .. } => "agent-session agents".into(),
            Self::ProjectNotFound { .. } => "agent-session project init".into(),
            Self::PathNotFound { path, variable: None } => {
                format!("mkdir -p {}", shell_quote(&path.to_string_lossy()))
            }
            Self::PathNotFound { variable: Some(variable), .. } => format!("unset {variable}"),
            Self::SessionRunning { name } => {
                format!("agent-session stop {name} && agent-session rm {name}")
            }
            Self::SessionMountsDiffer { name, .. }
            | Self::SessionAgentDiffers { name, .. }
            | Self::SessionSettingsDiffer { name, .. } => format!(
                "agent-session start -n OTHER … (a second session), or agent-session stop {name} && agent-session rm {name}"
            ),
            Self::SessionTooNew { .. } => "cargo install agent-session".into(),
            Self::SessionBusy { name, .. } => format!("agent-session inspect {name}"),
            Self::NameTaken { container, .. } => format!("podman inspect {container}"),
            Self::MountChanged { name, .. } => format!(
                "agent-session inspect {name}; if the change is yours: agent-session rm {name}"
            ),
            Self::ImageNotBuilt { agent } => format!("agent-session build {agent}"),
            Self::PodmanMissing if cfg!(target_os = "macos") => {
                "brew install podman && podman machine init && podman machine start".into()
            }
            Self::PodmanMissing => {
                "sudo apt install podman (Debian, Ubuntu), sudo dnf install podman (Fedora)".into()
            }
            Self::PodmanTooOld { .. } => "podman --version".into(),
            Self::PodmanUnreachable { remote: true, .. } => "podman machine start".into(),
            Self::PodmanUnreachable { remote: false, .. } => "podman info".into(),
            Self::PodmanTimeout { .. } => "podman ps".into(),
            Self::ConfirmationRequired { names } => {
                format!("agent-session rm --force {}", names.join(" "))
            }
            Self::AgentRequired { .. } => "agent-session start --agent claude".into(),
            Self::Declined { hint, .. } => hint.clone(),
            Self::MountForbidden { .. } => "agent-session start ~/projects/my-app".into(),
            Self::ProjectUntrusted { root, .. } => {
                format!("agent-session allow {}", shell_quote(&root.to_string_lossy()))
            }
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
            _ => return Vec::new(),
        };
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(Into::into).collect()
    }

    /// The failure as it is printed under `--json`.
    #[must_use]
    pub fn report(&self) -> ErrorReport {
        ErrorReport {
            error: ErrorBody {
                code: self.code(),
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
    pub code: &'static str,
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

fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given")
}

fn in_variable(variable: Option<&'static str>) -> String {
    variable.map(|name| format!("{name}: ")).unwrap_or_default()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

fn suggest_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let kept: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).take(63).collect();
    match kept.trim_start_matches(['-', '_', '.']) {
        "" => "my-session".into(),
        trimmed => trimmed.into(),
    }
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
    fn hints_quote_what_a_shell_would_take_apart() {
        let error = Error::PathNotFound { path: "/a b/$(x)".into(), variable: None };
        assert_eq!(error.hint(), "mkdir -p '/a b/$(x)'");
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
    }

    #[test]
    fn an_invalid_name_gets_a_valid_one_as_hint() {
        assert_eq!(Error::InvalidName("-my app!".into()).hint(), "agent-session start -n my-app-");
        assert_eq!(Error::InvalidName("/".into()).hint(), "agent-session start -n my-session");
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
