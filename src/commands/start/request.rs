//! What a `start` asks for, and what comes of it where there is a session and where there is none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Args;
use crate::agent::{self, Agent};
use crate::commands::{Meant, around};
use crate::config::UserFile;
use crate::container::{self, Home};
use crate::context::Context;
use crate::credentials;
use crate::error::{AgentChoice, Error, Result};
use crate::image::{self, Options, Tags};
use crate::mount;
use crate::project::Project;
use crate::recovery::{self, Found};
use crate::session::{self, Limits, Session, SessionName, Spec};
use crate::settings::Settings;

/// What is asked for, checked before podman is.
pub(super) struct Request<'a> {
    args: &'a Args,
    agent: Option<Agent>,
    /// The project whose session is meant: an existing one must be its own.
    root: Option<PathBuf>,
    project: Option<Box<Project>>,
}

impl<'a> Request<'a> {
    pub(super) fn new(ctx: &Context, args: &'a Args, meant: Meant) -> Result<Self> {
        for entry in &args.env {
            container::env_pair(ctx, entry)?;
        }
        let agent = args.agent.as_ref().map(|name| agent::get(ctx, name)).transpose()?;
        if !args.paths.is_empty() {
            mount::workspaces(ctx, &args.paths)?;
        }
        mount::from_flags(ctx, &args.mount)?;
        let project = meant.project;
        let root = project.as_ref().map(|project| project.root.clone());
        Ok(Self { args, agent, root: root.filter(|_| args.paths.is_empty()), project })
    }

    /// Has a session run that exists.
    pub(super) fn bring_back(&self, ctx: &Context, session: &Session) -> Result<Found> {
        self.check(ctx, session)?;
        recovery::bring_back(ctx, session)
    }

    /// Makes a session that has no container; one that has its home left is brought back. Whether
    /// it has is found out on the way: most have none.
    pub(super) fn create(&self, ctx: &Context, name: &SessionName, tags: &Tags) -> Result<Found> {
        let made = self.prepare(ctx, tags).and_then(|(agent, spec)| {
            let secrets = credentials::secrets(ctx, &agent)?;
            let made = container::create(ctx, name, spec.clone(), &agent, &secrets, Home::New)?;
            if made {
                credentials::note_missing(ctx, &agent, &secrets);
            }
            Ok(made.then_some(spec))
        });
        if let Ok(Some(spec)) = &made {
            container::ensure_setup(ctx, name, spec)?;
            return Ok(Found::Otherwise);
        }
        match session::find_home(ctx, name, tags)? {
            Some(session) => self.bring_back(ctx, &session),
            None => made.map(|_| Found::Otherwise),
        }
    }

    /// The agent of a new session, and what is fixed with it.
    fn prepare(&self, ctx: &Context, tags: &Tags) -> Result<(Agent, Spec)> {
        let project = self.project(ctx)?;
        if let Some(project) = &project {
            project.check_mounts(ctx)?;
        }
        let settings = Settings::new(ctx, &UserFile::read(ctx)?, project.as_ref(), self.args)?;
        let paths: Vec<_> = settings.paths.into_iter().map(|path| path.value).collect();
        let extra: Vec<_> = settings.mounts.into_iter().map(|mount| mount.value).collect();
        let mounts = mount::resolve(ctx, &paths, &extra)?;
        let agent = match (&self.agent, &settings.agent.value) {
            (Some(agent), _) => agent.clone(),
            (None, Some(name)) => agent::get(ctx, name)?,
            (None, None) => choose(ctx, tags)?,
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
            args: settings.args.value,
            env: settings.env.into_iter().map(|entry| entry.value).collect(),
            limits: Limits {
                memory: settings.memory.value,
                pids: settings.pids.value,
                cpus: settings.cpus.value,
            },
            setup: settings.setup.value,
            secrets: BTreeMap::new(),
            image_id,
            version: env!("CARGO_PKG_VERSION").into(),
            created: ctx.now(),
        };
        Ok((agent, spec))
    }

    /// The project whose settings a new session gets: the one that is meant, or, for a session
    /// that was named, the one around.
    fn project(&self, ctx: &Context) -> Result<Option<Project>> {
        if self.project.is_some() || self.args.name.is_none() {
            return Ok(self.project.as_deref().cloned());
        }
        around(ctx, false).map(|found| found.map(|project| *project))
    }

    /// Refuses what a session that exists cannot give.
    fn check(&self, ctx: &Context, session: &Session) -> Result<()> {
        let name = session.name.to_string();
        let spec = &session.spec;
        if let Some(asked) = self.agent.as_ref().filter(|agent| agent.name != spec.agent) {
            let (has, asked) = (spec.agent.clone(), asked.name.clone());
            return Err(Error::SessionAgentDiffers { name, has, asked });
        }
        self.check_project(session)?;
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

    /// Refuses a session of another project's that has the same name.
    fn check_project(&self, session: &Session) -> Result<()> {
        match &self.root {
            Some(root) if *root != Path::new(&session.spec.project) => {
                Err(mounts_differ(session, mount::display(&[&root.to_string_lossy()])))
            }
            _ => Ok(()),
        }
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
