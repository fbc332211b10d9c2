//! `agent-session stop`

use std::thread;

use clap_complete::ArgValueCandidates;

use crate::commands::{Outcome, names_or_default};
use crate::complete;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lock::SessionLock;
use crate::podman::ContainerState;
use crate::report::{OneOrMany, Report, SessionReport};
use crate::session::{self, Session, SessionName, Status};

const EXAMPLES: &str = "\
Examples:
  Stop the session \"default\":
    $ agent-session stop
  Stop two sessions:
    $ agent-session stop frontend backend
  Stop all that run:
    $ agent-session stop --all";

/// The arguments of `stop`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Names of the sessions [default: the project's, or default]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::sessions))]
    pub names: Vec<String>,
    /// Stop every session
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
}

/// Stops sessions; one that is stopped stays so.
///
/// # Errors
/// [`Error::SessionNotFound`], before any of them is stopped; [`Error::PodmanFailed`].
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let names = if args.all {
        session::all(ctx)?.into_iter().map(|session| session.name).collect()
    } else {
        names_or_default(ctx, &args.names)?
    };
    let many = args.all || names.len() > 1;
    if many && !args.all {
        session::get_all(ctx, &names)?;
    }
    let stopped = each(&names, |name| stop(ctx, name))?;
    Ok(Report::Stopped(OneOrMany::new(stopped, many)).into())
}

/// Does the same to several sessions at once. All are tried; the first failure is returned.
fn each<T: Send>(
    names: &[SessionName],
    work: impl Fn(&SessionName) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = names.iter().map(|name| scope.spawn(move || work(name))).collect();
        let panicked = |_| Err(Error::panicked("stopping"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    })
}

fn stop(ctx: &Context, name: &SessionName) -> Result<SessionReport> {
    let _lock = SessionLock::take(ctx, name)?;
    // Podman finds the container by its name and label (others may have one of them), so that
    // nothing need be asked before, and the session is looked up meanwhile.
    let (stopped, found) = thread::scope(|scope| {
        let found = scope.spawn(|| session::find_container(ctx, name, None));
        (ctx.podman.stop_labelled(&name.container(), &session::with_name(name)), found.join())
    });
    let (found, tags) = found.map_err(|_| Error::panicked("asking podman"))??;
    let is_done = |session: Session| session.once_stopped(stopped.as_deref().unwrap_or_default());
    let session = match found.and_then(is_done) {
        Some(session) => session,
        // What podman could not do is seen in the state that is left.
        None => session::get_with(ctx, name, &tags)?,
    };
    let session = match session.status() {
        Status::Running | Status::Paused | Status::Broken => {
            stop_with_care(ctx, session, stopped.map(drop))?
        }
        Status::Stopped | Status::Created => session,
    };
    Ok(SessionReport::new(ctx, &session))
}

/// Stops what podman cannot stop as it is: a container that is paused, or has lost its monitor.
fn stop_with_care(ctx: &Context, mut session: Session, stopped: Result<()>) -> Result<Session> {
    let container = session.name.container();
    if session.is_live() {
        if session.status() == Status::Paused {
            ctx.podman.unpause(&container)?;
        }
        // Where its monitor is gone, podman 5 stops it too, and says that it failed.
        let again = ctx.podman.stop(&container);
        session = session::get(ctx, &session.name)?;
        if session.is_live() {
            again.or(stopped)?;
        }
    }
    let state = session.container.as_ref().map(|container| container.state);
    // Podman 4 can neither stop nor start it then, only remove it. The home volume stays, and
    // `start` makes the container anew.
    if matches!(state, Some(ContainerState::Stopping | ContainerState::Unknown)) {
        session.check_schema()?;
        ctx.podman.remove(&container)?;
        session = session::get(ctx, &session.name)?;
    }
    Ok(session)
}
