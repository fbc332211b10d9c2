//! The command line.

use clap::{Parser, ValueEnum};

use crate::commands::Command;

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

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs: indented on a terminal, one line in a pipe
    Json,
}
