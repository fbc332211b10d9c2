//! `agent-session start`

use std::path::PathBuf;
use std::thread;

use clap::ValueHint;
use clap_complete::ArgValueCandidates;

use crate::commands::{Attach, Meant, Outcome, meant};
use crate::complete;
use crate::container;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::image::Tags;
use crate::lock::SessionLock;
use crate::recovery::{self, Found};
use crate::report::{Report, SessionReport};
use crate::session::{self, Session, SessionName};

mod request;

use request::Request;

const EXAMPLES: &str = "\
Examples:
  A session on the current directory, or back to it:
    $ agent-session start
  A named session on several directories:
    $ agent-session start -n fullstack ~/frontend ~/backend ~/shared-libs
  OpenCode in place of Claude Code:
    $ agent-session start -a opencode ~/project
  In the background, with arguments for the agent:
    $ agent-session start -d -n api ~/src/api -- --model opus

Mounts:
  One path is mounted at /workspace, several at /workspace/<directory name> each; the first is the
  working directory. Directories that hold keys, the home directory itself and the engine's own
  are refused.

Environment:
  AGENT_SESSION_MOUNTS       Host paths, separated by colons, each mounted at the same path
                             inside, read-only unless it ends in '+rw'
  AGENT_SESSION_KOB          One host directory (a knowledge base that projects link into),
                             mounted at its own canonical path, so that links resolve
  AGENT_SESSION_FORMAT       table or json, where no --format is given
  AGENT_SESSION_LOCK_TIMEOUT Seconds to wait for another agent-session at work on the session
                             [default: 60]
  AGENT_SESSION_PODMAN_TIMEOUT
                             Seconds that podman has for the answer to a question [default: 5]";

/// The arguments of `start`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[allow(clippy::struct_excessive_bools, reason = "flags")]
pub struct Args {
    /// Directories of the host to work on [default: the current one]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub paths: Vec<PathBuf>,
    /// Agent to run [default: the session's, or a menu, or claude]
    #[arg(short, long, value_name = "AGENT", add = ArgValueCandidates::new(complete::agents))]
    pub agent: Option<String>,
    /// Name of the session [default: the project's, or default]
    #[arg(short, long, value_name = "NAME", add = ArgValueCandidates::new(complete::sessions))]
    pub name: Option<String>,
    /// Do not attach
    #[arg(short, long)]
    pub detach: bool,
    /// Build a missing image without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Mount another path of the host's; may be repeated
    #[arg(long, value_name = "SRC[:DST][:ro]", value_hint = ValueHint::AnyPath)]
    pub mount: Vec<String>,
    /// Set a variable inside, or pass on the host's; may be repeated
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// Arguments for the agent, each time that it starts
    #[arg(last = true, value_name = "AGENT_ARGS")]
    pub args: Vec<String>,
    /// Set once a look at podman is known to be needed.
    #[arg(skip)]
    pub look_first: bool,
}

impl Args {
    /// The arguments of a plain `start`: of this session, or of the one that is meant here.
    #[must_use]
    pub fn of(name: Option<&str>, detach: bool) -> Self {
        Self {
            paths: Vec::new(),
            agent: None,
            name: name.map(Into::into),
            detach,
            yes: false,
            mount: Vec::new(),
            env: Vec::new(),
            args: Vec::new(),
            look_first: false,
        }
    }

    /// Whether it asks for nothing that a session could contradict.
    fn asks_nothing(&self) -> bool {
        self.paths.is_empty()
            && self.agent.is_none()
            && self.mount.is_empty()
            && self.env.is_empty()
            && self.args.is_empty()
    }
}

/// Creates a session, starts it, or finds it running; then has it attached.
///
/// # Errors
/// Nearly all that there are; nothing is changed by a request that is refused.
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let here = meant(ctx, args.name.as_deref(), !args.paths.is_empty())?;
    let attaches = ctx.can_attach && !args.detach;
    if attaches && args.asks_nothing() && !args.look_first && here.project.is_none() {
        // Most starts are a return to a session that runs: podman says whether it does when the
        // terminal is attached, and need not be asked before. A project's is looked at: another's
        // may have its name.
        return Ok(Outcome {
            report: None,
            attach: Some(Attach { name: here.name, unseen: true }),
        });
    }
    start(ctx, args, here)
}

/// Has the session run that is meant, whatever is there of it; then has it attached.
///
/// # Errors
/// Those of [`run`].
pub fn start(ctx: &Context, args: &Args, meant: Meant) -> Result<Outcome> {
    let name = meant.name.clone();
    let request = Request::new(ctx, args, meant)?;
    let _lock = SessionLock::take(ctx, &name)?;
    let (session, tags) = session::find_container(ctx, &name, args.agent.as_deref())?;
    let found = match session {
        Some(session) => request.bring_back(ctx, &session)?,
        None => request.create(ctx, &name, &tags)?,
    };
    finish(ctx, name, found, &tags, args.detach, Report::Started)
}

/// What `start` and `restart` do with a session whose container runs: it is attached, or reported.
///
/// # Errors
/// [`Error::ServerFailed`]; those of a query to podman.
pub fn finish(
    ctx: &Context,
    name: SessionName,
    found: Found,
    tags: &Tags,
    detach: bool,
    as_report: fn(Box<SessionReport>) -> Report,
) -> Result<Outcome> {
    if ctx.can_attach && !detach {
        // A terminal that attaches makes sure of the server itself, but not of the container.
        if found == Found::Running {
            recovery::ensure_server(ctx, &name)?;
        }
        return Ok(Outcome { report: None, attach: Some(Attach { name, unseen: false }) });
    }
    let session = report(ctx, &name, tags)?;
    if !detach {
        ctx.note(format!("no terminal to attach: session '{name}' runs in the background"));
    }
    Ok(as_report(Box::new(SessionReport::new(ctx, &session))).into())
}

/// The session, with its server; it is asked for while the server is.
fn report(ctx: &Context, name: &SessionName, tags: &Tags) -> Result<Session> {
    let (session, runs) = thread::scope(|scope| {
        let session = scope.spawn(|| session::get_with(ctx, name, tags));
        let runs = container::ensure_server(ctx, name);
        (session.join(), runs)
    });
    if runs? {
        return session.map_err(|_| Error::panicked("asking podman"))?;
    }
    recovery::ensure_server(ctx, name)?;
    session::get_with(ctx, name, tags)
}
