//! What to type next, for each failure.

use super::{Error, shell_quote};

impl Error {
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
            Self::BaseUnavailable { tried: false, .. } if cfg!(target_os = "linux") => {
                "sudo apt install mmdebstrap && agent-session build, or agent-session build --base IMAGE".into()
            }
            Self::BaseUnavailable { .. } => "agent-session build --base IMAGE".into(),
            Self::ZellijUnavailable { version, .. } => format!(
                "agent-session build --zellij FILE (a program of version {version}), or put cargo into PATH and build again"
            ),
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
            Self::MendsProposed { .. } => "agent-session doctor --fix --yes".into(),
            Self::MendFailed { command, .. } => command.clone(),
            Self::Unfit { fix: Some(fix), .. } => fix.clone(),
            Self::Unfit { fix: None, .. } => "agent-session doctor".into(),
            Self::AgentRequired { .. } => "agent-session start --agent claude".into(),
            Self::Declined { hint, .. } => hint.clone(),
            Self::MountForbidden { .. } => "agent-session start ~/projects/my-app".into(),
            Self::ProjectUntrusted { root, .. } => {
                format!("agent-session allow {}", shell_quote(&root.to_string_lossy()))
            }
        }
    }
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
}
