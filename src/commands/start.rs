//! `agent-session start`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;

use crate::agent::{self, Agent};
use crate::commands::{Attach, Outcome};
use crate::container::{self, Home};
use crate::context::Context;
use crate::credentials;
use crate::error::{AgentChoice, Error, Result};
use crate::image::{self, Options, Tags};
use crate::lock::SessionLock;
use crate::mount;
use crate::recovery::{self, Found};
use crate::report::{Report, SessionReport};
use crate::session::{self, Session, SessionName, Spec};

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
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Agent to run [default: the session's, or a menu, or claude]
    #[arg(short, long, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Name of the session
    #[arg(short, long, value_name = "NAME", default_value = SessionName::DEFAULT)]
    pub name: String,
    /// Do not attach
    #[arg(short, long)]
    pub detach: bool,
    /// Build a missing image without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Mount another path of the host's; may be repeated
    #[arg(long, value_name = "SRC[:DST][:ro]")]
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
    /// The arguments of a plain `start` of this session.
    #[must_use]
    pub fn of(name: &str, detach: bool) -> Self {
        Self {
            paths: Vec::new(),
            agent: None,
            name: name.into(),
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
    let name = SessionName::parse(&args.name)?;
    let attaches = ctx.can_attach && !args.detach;
    if attaches && args.asks_nothing() && !args.look_first {
        // Most starts are a return to a session that runs: podman says whether it does when the
        // terminal is attached, and need not be asked before.
        return Ok(Outcome { report: None, attach: Some(Attach { name, unseen: true }) });
    }
    let request = Request::new(ctx, args)?;
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

/// What is asked for, checked before podman is.
struct Request<'a> {
    args: &'a Args,
    agent: Option<Agent>,
}

impl<'a> Request<'a> {
    fn new(ctx: &Context, args: &'a Args) -> Result<Self> {
        for entry in &args.env {
            container::env_pair(ctx, entry)?;
        }
        let agent = args.agent.as_ref().map(|name| agent::get(ctx, name)).transpose()?;
        if !args.paths.is_empty() {
            mount::workspaces(ctx, &args.paths)?;
        }
        mount::from_flags(ctx, &args.mount)?;
        Ok(Self { args, agent })
    }

    /// Has a session run that exists.
    fn bring_back(&self, ctx: &Context, session: &Session) -> Result<Found> {
        self.check(ctx, session)?;
        recovery::bring_back(ctx, session)
    }

    /// Makes a session that has no container; one that has its home left is brought back. Whether
    /// it has is found out on the way: most have none.
    fn create(&self, ctx: &Context, name: &SessionName, tags: &Tags) -> Result<Found> {
        let made = self.prepare(ctx, tags).and_then(|(agent, spec)| {
            let secrets = credentials::secrets(ctx, &agent)?;
            let made = container::create(ctx, name, spec, &agent, &secrets, Home::New)?;
            if made {
                credentials::note_missing(ctx, &agent, &secrets);
            }
            Ok(made)
        });
        if matches!(made, Ok(true)) {
            return Ok(Found::Otherwise);
        }
        match session::find_home(ctx, name, tags)? {
            Some(session) => self.bring_back(ctx, &session),
            None => made.map(|_| Found::Otherwise),
        }
    }

    /// The agent of a new session, and what is fixed with it.
    fn prepare(&self, ctx: &Context, tags: &Tags) -> Result<(Agent, Spec)> {
        let mounts = mount::resolve(ctx, &self.args.paths, &self.args.mount)?;
        let agent = match &self.agent {
            Some(agent) => agent.clone(),
            None => choose(ctx, tags)?,
        };
        let image_id = match tags.id(&agent.name) {
            Some(id) => id.clone(),
            None if self.args.yes => build(ctx, &agent)?,
            None => return Err(Error::ImageNotBuilt { agent: agent.name }),
        };
        let spec = Spec {
            agent: agent.name.clone(),
            project: mounts.first().map(|mount| mount.source.clone()).unwrap_or_default(),
            mounts,
            args: self.args.args.clone(),
            env: self.args.env.clone(),
            secrets: BTreeMap::new(),
            image_id,
            version: env!("CARGO_PKG_VERSION").into(),
            created: ctx.now(),
        };
        Ok((agent, spec))
    }

    /// Refuses what a session that exists cannot give.
    fn check(&self, ctx: &Context, session: &Session) -> Result<()> {
        let name = session.name.to_string();
        let spec = &session.spec;
        if let Some(asked) = self.agent.as_ref().filter(|agent| agent.name != spec.agent) {
            let (has, asked) = (spec.agent.clone(), asked.name.clone());
            return Err(Error::SessionAgentDiffers { name, has, asked });
        }
        self.check_mounts(ctx, session)?;
        let differ = |what| Err(Error::SessionSettingsDiffer { name: name.clone(), what });
        if !self.args.args.is_empty() && self.args.args != spec.args {
            return differ("agent arguments");
        }
        if self.args.env.iter().any(|entry| !spec.env.contains(entry)) {
            return differ("environment variables");
        }
        Ok(())
    }

    fn check_mounts(&self, ctx: &Context, session: &Session) -> Result<()> {
        let has = mount::projects(&session.spec.mounts);
        if !self.args.paths.is_empty() {
            let asked = mount::workspaces(ctx, &self.args.paths)?;
            let asked = mount::projects(&asked);
            if asked != has {
                return Err(mounts_differ(session, mount::display(&asked)));
            }
        } else if !has.iter().any(|project| ctx.cwd.starts_with(project)) {
            ctx.note(format!(
                "session '{}' has {} mounted, not the current directory",
                session.name,
                mount::display(&has)
            ));
        }
        let asked = mount::from_flags(ctx, &self.args.mount)?;
        match asked.iter().find(|mount| !session.spec.mounts.contains(mount)) {
            None => Ok(()),
            Some(mount) => Err(mounts_differ(session, mount::display(&[&mount.source]))),
        }
    }
}

fn mounts_differ(session: &Session, asked: String) -> Error {
    let sources: Vec<_> = session.spec.mounts.iter().map(|mount| mount.source.as_str()).collect();
    Error::SessionMountsDiffer {
        name: session.name.to_string(),
        has: mount::display(&sources),
        asked,
    }
}

/// The agent of a session for which none was named: asked for where somebody can be.
fn choose(ctx: &Context, tags: &Tags) -> Result<Agent> {
    let (agents, broken) = agent::all(ctx)?;
    for broken in broken {
        ctx.note(broken.error.to_string());
    }
    if !ctx.can_ask || agents.len() < 2 {
        return agent::get(ctx, agent::DEFAULT);
    }
    let choices = agents.iter().map(|agent| AgentChoice {
        name: agent.name.clone(),
        title: agent.definition.title.clone(),
        ready: tags.id(&agent.name).is_some(),
    });
    Err(Error::AgentRequired { agents: choices.collect() })
}

fn build(ctx: &Context, agent: &Agent) -> Result<String> {
    image::ensure_base(ctx, &Options::default())?;
    Ok(image::build(ctx, agent, false)?.image.id)
}
