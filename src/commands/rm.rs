//! `agent-session rm`

use clap_complete::ArgValueCandidates;

use crate::commands::{Outcome, names_or_default};
use crate::complete;
use crate::container;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lock::SessionLock;
use crate::report::{OneOrMany, RemovedReport, Report};
use crate::session::{self, Session};

const EXAMPLES: &str = "\
Examples:
  Remove a session, after a question:
    $ agent-session rm frontend
    > agent-session rm --force frontend
  Remove it without one:
    $ agent-session rm -f frontend
  Remove all that are stopped, in Nushell:
    > agent-session ls | where status == stopped | agent-session rm --force";

/// The arguments of `rm`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Names of the sessions [default: the project's, or default]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::sessions))]
    pub names: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
}

/// Removes stopped sessions with everything that is theirs.
///
/// # Errors
/// [`Error::SessionNotFound`], [`Error::SessionRunning`], [`Error::SessionTooNew`] and
/// [`Error::ConfirmationRequired`], before any of them is removed; [`Error::PodmanFailed`].
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let names = names_or_default(ctx, &args.names)?;
    let sessions = session::get_all(ctx, &names)?;
    sessions.iter().try_for_each(check)?;
    if !args.force {
        let names = names.iter().map(ToString::to_string).collect();
        return Err(Error::ConfirmationRequired { names });
    }
    let removed: Result<Vec<_>> = sessions.iter().map(|session| remove(ctx, session)).collect();
    Ok(Report::Removed(OneOrMany::new(removed?, names.len() > 1)).into())
}

fn check(session: &Session) -> Result<()> {
    session.check_schema()?;
    if session.is_live() {
        return Err(Error::SessionRunning { name: session.name.to_string() });
    }
    Ok(())
}

fn remove(ctx: &Context, session: &Session) -> Result<RemovedReport> {
    let _lock = SessionLock::take(ctx, &session.name)?;
    // Somebody may have started it between the question and the answer.
    if let Some(now) = session::find(ctx, &session.name)? {
        check(&now)?;
        container::remove(ctx, &now)?;
    }
    Ok(RemovedReport { name: session.name.to_string(), removed: true })
}
