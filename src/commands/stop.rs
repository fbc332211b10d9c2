//! `agent-session stop`

use std::thread;

use crate::commands::{Outcome, names_or_default};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lock::SessionLock;
use crate::podman::ContainerState;
use crate::report::{OneOrMany, Report, SessionReport};
use crate::session::{self, Session, SessionName};

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
    /// Names of the sessions [default: default]
    #[arg(value_name = "NAME")]
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
    let names = names_or_default(&args.names)?;
    let sessions = if args.all { session::all(ctx)? } else { session::get_all(ctx, &names)? };
    let stopped = each(&sessions, |session| stop(ctx, session))?;
    let many = args.all || names.len() > 1;
    Ok(Report::Stopped(OneOrMany::new(stopped, many)).into())
}

/// Does the same to several sessions at once. All are tried; the first failure is returned.
fn each<T: Send>(
    sessions: &[Session],
    work: impl Fn(&Session) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> =
            sessions.iter().map(|session| scope.spawn(move || work(session))).collect();
        let panicked = |_| Err(Error::io("stopping", std::io::Error::other("a thread panicked")));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    })
}

fn stop(ctx: &Context, session: &Session) -> Result<SessionReport> {
    let _lock = SessionLock::take(ctx, &session.name)?;
    let state = session.container.as_ref().map(|container| container.state);
    let container = session.name.container();
    match state {
        None | Some(ContainerState::Exited | ContainerState::Created) => {}
        Some(ContainerState::Paused) => {
            ctx.podman.unpause(&container)?;
            ctx.podman.stop(&container)?;
        }
        Some(ContainerState::Running) => ctx.podman.stop(&container)?,
        // Its monitor is gone: podman can neither stop nor start it, only remove it. The home
        // volume stays, and `start` makes the container anew.
        Some(ContainerState::Stopping | ContainerState::Unknown) => {
            session.check_schema()?;
            ctx.podman.remove(&container)?;
        }
    }
    Ok(SessionReport::new(ctx, &after(ctx, &session.name, session)?))
}

/// What the session is now: where nothing but podman can have changed it, it is not asked again.
fn after(ctx: &Context, name: &SessionName, before: &Session) -> Result<Session> {
    let gone = || Error::SessionNotFound { name: name.to_string(), nearest: None };
    match before.is_live() {
        true => session::find(ctx, name)?.ok_or_else(gone),
        false => Ok(before.clone()),
    }
}
