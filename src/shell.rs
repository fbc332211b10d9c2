//! The shells that agent-session goes together with, and what each of them is to read.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    /// eval "$(agent-session init bash)" in ~/.bashrc
    Bash,
    /// eval "$(agent-session init zsh)" in ~/.zshrc
    Zsh,
    /// agent-session init fish | source, in ~/.config/fish/config.fish
    Fish,
    /// Saved as a file in vendor/autoload, below `$nu.data-dir`
    Nu,
}

impl Shell {
    /// The hook that brings the user into a project's session, to be read by the shell itself; for
    /// Nushell, behind the module of commands.
    #[must_use]
    pub fn hook(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../shell/agent-session.bash"),
            Self::Zsh => include_str!("../shell/agent-session.zsh"),
            Self::Fish => include_str!("../shell/agent-session.fish"),
            Self::Nu => concat!(
                "module agent-session {\n",
                include_str!("../shell/agent-session.nu"),
                "}\nuse agent-session *\n\n",
                include_str!("../shell/hook.nu")
            ),
        }
    }
}
