//! The command line.

use std::ffi::OsString;

use clap::{Parser, ValueEnum};

use crate::commands::{Command, enter};

const EXAMPLES: &str = "\
Examples:
  Start an agent on the current directory; close the terminal; come back with the same command:
    $ agent-session start
  See what runs:
    $ agent-session ls";

/// Run AI coding agents in isolated containers, in terminal sessions that survive the terminal
#[derive(Debug, Clone, Parser)]
#[command(name = "agent-session", version, after_long_help = EXAMPLES, subcommand_required = true)]
#[command(arg_required_else_help = true, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// Form of the result
    #[arg(long, global = true, value_name = "FORMAT", conflicts_with = "json")]
    pub format: Option<Format>,
    /// Print JSON: the same as --format json
    #[arg(long, global = true)]
    pub json: bool,
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line of the shells' hooks, `enter [--again] -- ROOT`, and no other. They are in
    /// front of a prompt, and setting up all the other commands takes longer than the answer.
    #[must_use]
    pub fn of_hook(arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let words: Vec<_> = arguments.iter().map(|argument| argument.to_str()).collect();
        let again = match words[..] {
            [Some("enter"), Some("--"), _] => false,
            [Some("enter"), Some("--again"), Some("--"), _] => true,
            _ => return None,
        };
        let root = arguments.into_iter().next_back()?.into();
        Some(Self {
            format: None,
            json: false,
            command: Command::Enter(enter::Args { root, again }),
        })
    }
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs: indented on a terminal, one line in a pipe
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hooks_call_means_what_it_says() {
        for line in [&["enter", "--", "/x"][..], &["enter", "--again", "--", "-x"]] {
            let quick = Cli::of_hook(line.iter().map(Into::into)).unwrap();
            let full = Cli::try_parse_from([&["agent-session"], line].concat()).unwrap();
            assert_eq!(format!("{quick:?}"), format!("{full:?}"));
        }
        for line in
            [&["enter", "/x"][..], &["enter", "--json", "--", "/x"], &["ls", "--", "/x"], &[]]
        {
            assert!(Cli::of_hook(line.iter().map(Into::into)).is_none(), "{line:?}");
        }
    }
}
