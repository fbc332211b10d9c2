//! What the user's shells know of agent-session.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Check, Finding};
use crate::context::Context;

/// The version of Nushell that the plugin is built for; a plugin and its shell share the first two
/// numbers.
const NUSHELL: &str = "0.115";
const PLUGIN: &str = "nu_plugin_agent_session";

/// A shell: its name, its start-up file below the home directory, and the line for it.
const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", ".bashrc", "eval \"$(agent-session init bash)\""),
    ("zsh", ".zshrc", "eval \"$(agent-session init zsh)\""),
    ("fish", ".config/fish/config.fish", "agent-session init fish | source"),
];

/// Where each shell looks for a program's completions, below the home directory and elsewhere.
const COMPLETIONS: [(&str, &[&str]); 3] = [
    (
        "bash",
        &[
            ".local/share/bash-completion/completions/agent-session",
            "/usr/local/share/bash-completion/completions/agent-session",
            "/usr/share/bash-completion/completions/agent-session",
        ],
    ),
    (
        "zsh",
        &[
            ".local/share/zsh/site-functions/_agent-session",
            "/usr/local/share/zsh/site-functions/_agent-session",
            "/usr/share/zsh/site-functions/_agent-session",
            "/usr/share/zsh/vendor-completions/_agent-session",
        ],
    ),
    (
        "fish",
        &[
            ".config/fish/completions/agent-session.fish",
            "/usr/share/fish/vendor_completions.d/agent-session.fish",
        ],
    ),
];

/// Checks the user's own shell, and Nushell where it is installed.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    let shell = ctx.var("SHELL").map(PathBuf::from);
    let name = shell.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    let mut all = Vec::new();
    all.extend(name.and_then(|name| hook(ctx, name)));
    all.extend(name.and_then(|name| completions(ctx, name)));
    all.extend(plugin(ctx));
    all
}

fn hook(ctx: &Context, shell: &str) -> Option<Finding> {
    let (_, file, line) = SHELLS.iter().find(|(name, ..)| *name == shell)?;
    let file = ctx.home.join(file);
    let text = fs::read_to_string(&file).unwrap_or_default();
    let has = text.lines().any(|line| {
        !line.trim_start().starts_with('#') && line.contains(&format!("agent-session init {shell}"))
    });
    if has {
        return Some(Finding::ok(Check::ShellHook, format!("{shell} has it")));
    }
    let add = format!("echo '{line}' >>{}", crate::error::shell_quote(&file.to_string_lossy()));
    Some(
        Finding::note(Check::ShellHook, format!("{} has no hook", file.display()))
            .meaning("with it, entering a project that you allowed brings you back to its session")
            .manual(add),
    )
}

fn completions(ctx: &Context, shell: &str) -> Option<Finding> {
    let (_, places) = COMPLETIONS.iter().find(|(name, _)| *name == shell)?;
    let found = places.iter().map(|place| ctx.home.join(place)).find(|path| path.exists());
    Some(match found {
        Some(path) => Finding::ok(Check::Completions, path.display().to_string()),
        None => Finding::note(Check::Completions, format!("{shell} has none"))
            .meaning("Tab does not know agent-session's commands")
            .manual("./shell/install.sh   # in the checkout"),
    })
}

fn plugin(ctx: &Context) -> Option<Finding> {
    let nu = ctx.programs.find("nu")?;
    let answer =
        ctx.programs.run(&nu.to_string_lossy(), &["--version".into()], ctx.podman.patience());
    let version = answer.ok().flatten().map(|answer| answer.stdout()).unwrap_or_default();
    let install = "./shell/install.sh   # in the checkout";
    Some(match ctx.programs.find(PLUGIN) {
        None => Finding::note(Check::NushellPlugin, format!("{PLUGIN} is not installed"))
            .meaning("with it, Nushell gets typed tables from agent-session")
            .manual(install),
        Some(file) if is_of(&version, NUSHELL) => {
            Finding::ok(Check::NushellPlugin, file.display().to_string())
        }
        Some(_) => Finding::warning(
            Check::NushellPlugin,
            format!("nu is {version}, the plugin is built for {NUSHELL}"),
        )
        .meaning("Nushell refuses a plugin of another version; the module works without it")
        .manual(format!("npm install --global nushell@{NUSHELL}")),
    })
}

/// Whether a version begins with these numbers.
fn is_of(version: &str, numbers: &str) -> bool {
    version.strip_prefix(numbers).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_of("0.115.1", NUSHELL) && is_of("0.115", NUSHELL));
        assert!(!is_of("0.1150.0", NUSHELL) && !is_of("0.114.9", NUSHELL) && !is_of("", NUSHELL));
    }
}
