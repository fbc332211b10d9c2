//! From whatever state a session was left in to a container that runs.

use crate::agent::{self, Agent};
use crate::container::{self, Home};
use crate::context::Context;
use crate::credentials::{self, Secret};
use crate::error::{Error, Result};
use crate::podman::ContainerState;
use crate::session::{self, Session, SessionName, Spec};

/// How the container of a session was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Running, as podman says, which may be mistaken.
    Running,
    /// In any other state, or not at all: it has been started just now.
    Otherwise,
}

/// Has the container of a session run; what is beyond podman's help is made anew around the home
/// volume.
///
/// # Errors
/// Those of podman; [`Error::MountChanged`]; [`Error::ImageNotBuilt`] where a new container is
/// needed; [`Error::SessionTooNew`] where the session would have to be changed.
pub fn bring_back(ctx: &Context, session: &Session) -> Result<Found> {
    let container = session.name.container();
    match session.container.as_ref().map(|container| container.state) {
        Some(ContainerState::Running) => {
            container::ensure_setup(ctx, &session.name, &session.spec)?;
            return Ok(Found::Running);
        }
        Some(ContainerState::Paused) => ctx.podman.unpause(&container)?,
        Some(ContainerState::Exited | ContainerState::Created) => start(ctx, session)?,
        Some(ContainerState::Stopping | ContainerState::Unknown) | None => {
            replace(ctx, session, "had lost its container")?;
        }
    }
    container::ensure_setup(ctx, &session.name, &session.spec)?;
    Ok(Found::Otherwise)
}

/// Makes sure of the terminal server of a session whose container runs. Where podman holds a
/// container for running of which every process was killed, it is stopped and started.
///
/// # Errors
/// [`Error::ServerFailed`]; those of [`bring_back`].
pub fn ensure_server(ctx: &Context, name: &SessionName) -> Result<()> {
    if container::ensure_server(ctx, name)? {
        return Ok(());
    }
    // Podman notices that it is dead when it cannot stop it, and may call that a failure.
    let _ = ctx.podman.stop(&name.container());
    bring_back(ctx, &session::get(ctx, name)?)?;
    if container::ensure_server(ctx, name)? {
        return Ok(());
    }
    let stderr = "podman cannot run anything in its container".into();
    Err(Error::ServerFailed { name: name.to_string(), stderr })
}

fn start(ctx: &Context, session: &Session) -> Result<()> {
    session.check_schema()?;
    if let Ok(agent) = agent::get(ctx, &session.spec.agent) {
        let secrets = credentials::secrets(ctx, &agent)?;
        if container::has_stale_secrets(session, &secrets) {
            let image_id = session.image_id();
            let new = Replacement { agent, secrets, image_id };
            return new.put(ctx, session, "has new credentials");
        }
    }
    container::start(ctx, session)
}

fn replace(ctx: &Context, session: &Session, why: &str) -> Result<()> {
    session.check_schema()?;
    let agent = agent::get(ctx, &session.spec.agent)?;
    let image = session.current_image.clone();
    let image_id = image.ok_or_else(|| Error::ImageNotBuilt { agent: agent.name.clone() })?;
    let secrets = credentials::secrets(ctx, &agent)?;
    Replacement { agent, secrets, image_id }.put(ctx, session, why)
}

/// A container to be made around the home volume of a session, which has all its labels.
struct Replacement {
    agent: Agent,
    secrets: Vec<Secret>,
    image_id: String,
}

impl Replacement {
    fn put(self, ctx: &Context, session: &Session, why: &str) -> Result<()> {
        let name = &session.name;
        container::check_mounts(name, &session.spec)?;
        ctx.note(format!("session '{name}' {why}: it gets a new container around its home"));
        if session.container.is_some() {
            ctx.podman.remove(&name.container())?;
        }
        let spec = Spec { image_id: self.image_id, ..session.spec.clone() };
        container::create(ctx, name, spec, &self.agent, &self.secrets, Home::Kept).map(drop)
    }
}
