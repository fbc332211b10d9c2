//! `agent-session ls`

use crate::commands::Outcome;
use crate::context::Context;
use crate::error::Result;
use crate::report::{Report, SessionReport};
use crate::session;

const EXAMPLES: &str = "\
Examples:
  List all sessions:
    $ agent-session ls
  The names of those that run:
    $ agent-session ls --json | jq -r '.[] | select(.status == \"running\").name'
    > agent-session ls | where status == running | get name";

/// The arguments of `ls`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {}

/// Lists all sessions, by name.
///
/// # Errors
/// Those of a query to podman; never an empty list in their place.
pub fn run(ctx: &Context, _args: &Args) -> Result<Outcome> {
    let sessions = session::all(ctx)?;
    let reports = sessions.iter().map(|session| SessionReport::new(ctx, session)).collect();
    Ok(Report::Sessions(reports).into())
}
