//! From a session's specification to a running container with its terminal server, whatever was
//! there before.

use std::collections::BTreeMap;
use std::thread;

use crate::agent::Agent;
use crate::context::Context;
use crate::credentials::Secret;
use crate::error::{Error, Result};
use crate::image::Tags;
use crate::podman;
use crate::session::{self, Session, SessionName, Spec};

mod arguments;
mod setup;

use arguments::arguments;
pub use arguments::env_pair;
pub(crate) use arguments::identity;
pub use setup::ensure_setup;

/// Makes sure that the terminal server runs, with the agent in it; part of the base image.
const UP: &str = "/usr/lib/agent-session/up";
/// How often podman is to make a container where something else has its name.
const ATTEMPTS: u32 = 3;

/// The home volume of a container that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// It is made with the container.
    New,
    /// It is there, with all that the session has.
    Kept,
}

/// Makes the container of a session, its home volume and its secrets. `false` where a new home was
/// wanted and there is one already: then nothing was made.
///
/// What a killed attempt left behind under these names is taken away first; the caller holds the
/// session's lock and knows that podman lists no such container.
///
/// # Errors
/// [`Error::NameTaken`] where something that is not a session has the name;
/// [`Error::PodmanFailed`], and nothing is left of what was made.
pub fn create(
    ctx: &Context,
    name: &SessionName,
    spec: Spec,
    agent: &Agent,
    secrets: &[Secret],
    home: Home,
) -> Result<bool> {
    let spec = Spec { secrets: fingerprints(secrets, &spec), ..spec };
    let args = arguments(ctx, name, &spec, agent)?;
    let (made_home, stored) = store(ctx, name, &spec, secrets, home);
    if matches!(made_home, Err(Error::NameTaken { .. })) {
        // There is no session that they could be of.
        let _ = remove_secrets(ctx, name);
    }
    let made_home = made_home?;
    if home == Home::New && !made_home {
        return Ok(false);
    }
    let made = stored.and_then(|()| run(ctx, name, &args));
    if let (Err(error), Home::New) = (&made, home) {
        // What went wrong first is what is told.
        let _ = undo(ctx, name, error);
    }
    made.map(|()| true)
}

fn run(ctx: &Context, name: &SessionName, args: &[String]) -> Result<()> {
    for _ in 1..ATTEMPTS {
        match ctx.podman.run_detached(args) {
            Err(Error::PodmanFailed { .. }) if reap(ctx, name)? => {}
            other => return other.map(drop),
        }
    }
    ctx.podman.run_detached(args).map(drop)
}

/// Takes away what a failed attempt made: not a container that was somebody else's before.
fn undo(ctx: &Context, name: &SessionName, error: &Error) -> Result<()> {
    if !matches!(error, Error::NameTaken { .. }) {
        ctx.podman.remove(&name.container())?;
    }
    ctx.podman.remove_volume(&name.container())?;
    remove_secrets(ctx, name)
}

/// Whether the host has another key for a session than the one that its container was made with:
/// podman copies a secret into a container when it makes it, and never again.
#[must_use]
pub fn has_stale_secrets(session: &Session, secrets: &[Secret]) -> bool {
    let known = &session.spec.secrets;
    fingerprints(secrets, &session.spec)
        .iter()
        .any(|(variable, fingerprint)| known.get(variable) != Some(fingerprint))
}

fn fingerprints(secrets: &[Secret], spec: &Spec) -> BTreeMap<String, String> {
    let salt = spec.created.to_string();
    secrets.iter().map(|secret| (secret.env.clone(), secret.fingerprint(&salt))).collect()
}

/// Starts the container of a session that exists and does not run.
///
/// # Errors
/// [`Error::MountChanged`] where a mounted directory was replaced; [`Error::PodmanFailed`].
pub fn start(ctx: &Context, session: &Session) -> Result<()> {
    check_mounts(&session.name, &session.spec)?;
    ctx.podman.start(&session.name.container())
}

/// Refuses mounts that are no longer what was agreed to.
///
/// # Errors
/// [`Error::MountChanged`].
pub fn check_mounts(name: &SessionName, spec: &Spec) -> Result<()> {
    match spec.mounts.iter().find(|mount| !mount.is_unchanged()) {
        None => Ok(()),
        Some(mount) => {
            Err(Error::MountChanged { name: name.to_string(), path: mount.source.clone().into() })
        }
    }
}

/// Makes sure that the terminal server of a running container is there, with the agent in it.
/// `false` where podman cannot run anything in the container.
///
/// # Errors
/// [`Error::ServerFailed`] where the server does not start.
pub fn ensure_server(ctx: &Context, name: &SessionName) -> Result<bool> {
    let (code, _, stderr) = ctx.podman.exec(&name.container(), &[UP])?;
    match code {
        Some(0) => Ok(true),
        code if podman::refuses(code) => Ok(false),
        _ => Err(Error::ServerFailed { name: name.to_string(), stderr }),
    }
}

/// Takes away everything of a session: container, home volume, secrets.
///
/// # Errors
/// [`Error::PodmanFailed`]; what is gone already is no error.
pub fn remove(ctx: &Context, session: &Session) -> Result<()> {
    let name = &session.name;
    let container = name.container();
    // The session is listed, and can be removed again, until the last of these is done.
    remove_secrets(ctx, name)?;
    if session.container.is_some() {
        ctx.podman.remove(&container)?;
    } else {
        match reap(ctx, name) {
            // Somebody else's, who took the name since.
            Err(Error::NameTaken { .. }) => {}
            other => drop(other?),
        }
    }
    let homes = ctx.podman.volumes(&[session::with_name(name)])?;
    if homes.iter().any(|home| home.name == container) {
        ctx.podman.remove_volume(&container)?;
    }
    Ok(())
}

fn remove_secrets(ctx: &Context, name: &SessionName) -> Result<()> {
    let prefix = name.secret_prefix();
    let is_own = |secret: &String| {
        secret.strip_prefix(&prefix).is_some_and(|variable| !variable.contains('.'))
    };
    for secret in ctx.podman.secrets()?.iter().filter(|secret| is_own(secret)) {
        ctx.podman.remove_secret(secret)?;
    }
    Ok(())
}

/// Stores volume and secrets at the same time, each by a process of podman's: whether there is a
/// new home volume, and whether the secrets are there.
fn store(
    ctx: &Context,
    name: &SessionName,
    spec: &Spec,
    secrets: &[Secret],
    home: Home,
) -> (Result<bool>, Result<()>) {
    thread::scope(|scope| {
        let made_home = scope.spawn(|| match home {
            Home::Kept => Ok(false),
            Home::New => make_home(ctx, name, spec),
        });
        let stored = secrets.iter().try_for_each(|secret| store_secret(ctx, name, secret));
        (made_home.join().unwrap_or_else(|_| Err(Error::panicked("making the volume"))), stored)
    })
}

/// Makes the home volume; `false` where the session has one.
fn make_home(ctx: &Context, name: &SessionName, spec: &Spec) -> Result<bool> {
    let volume = name.container();
    let Err(error) = ctx.podman.create_volume(&volume, &spec.labels(name)) else {
        return Ok(true);
    };
    if session::find_home(ctx, name, &Tags::default())?.is_some() {
        return Ok(false);
    }
    let named = ctx.podman.volumes(&[exactly(&volume)])?;
    if named.iter().any(|found| found.name == volume) {
        return Err(Error::NameTaken { name: name.to_string(), container: volume });
    }
    Err(error)
}

/// The filter for this name alone: podman's is a regular expression.
fn exactly(name: &str) -> String {
    format!("name=^{}$", name.replace('.', r"\."))
}

fn store_secret(ctx: &Context, name: &SessionName, secret: &Secret) -> Result<()> {
    let full = format!("{}{}", name.secret_prefix(), secret.env);
    match ctx.podman.create_secret(&full, &secret.value) {
        Err(Error::PodmanFailed { .. }) => {
            ctx.podman.remove_secret(&full)?;
            ctx.podman.create_secret(&full, &secret.value)
        }
        other => other,
    }
}

/// Frees the name of a session that had no container when its lock was taken: a killed start can
/// leave the name reserved, or a podman that goes on alone. Whether there was anything.
fn reap(ctx: &Context, name: &SessionName) -> Result<bool> {
    let container = name.container();
    let listed = ctx.podman.containers(&[exactly(&container)])?;
    if let Some(found) = listed.first() {
        if found.labels.get("io.agent-session.name").map(String::as_str) != Some(name.as_str()) {
            return Err(Error::NameTaken { name: name.to_string(), container });
        }
    } else if !ctx.podman.has_container(&container)? {
        return Ok(false);
    }
    ctx.podman.remove(&container)?;
    Ok(true)
}
