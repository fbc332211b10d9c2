//! `agent-session init`

use crate::commands::Outcome;
use crate::report::{HookReport, Report};
use crate::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  Read what it does:
    $ agent-session init bash
  For bash, and with zsh in place of bash for zsh:
    $ echo 'eval \"$(agent-session init bash)\"' >> ~/.bashrc
  For fish:
    $ echo 'agent-session init fish | source' >> ~/.config/fish/config.fish
  For Nushell, in Nushell, and after each update again:
    > mkdir ($nu.data-dir | path join vendor autoload)
    > ^agent-session init nu | save --force ($nu.data-dir | path join vendor autoload agent-session.nu)

The hook acts at the prompt that follows entering a project that was allowed; not in a new shell's
first directory, not in an editor's terminal, and not inside a session. AGENT_SESSION_HOOK=0
switches it off; with AGENT_SESSION_HOOK=eager it acts in the first directory too.";

/// The arguments of `init`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The shell that is to read it
    shell: Shell,
}

/// The hook of a shell.
#[must_use]
pub fn run(args: &Args) -> Outcome {
    Report::Init(HookReport { shell: args.shell, script: args.shell.hook() }).into()
}
