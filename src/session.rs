//! What a session is: its name, what was fixed when it was made, and the state it is in.
//!
//! Podman's labels on the container and on the home volume carry all of it.

use std::collections::BTreeMap;
use std::fmt;
use std::thread;

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::image::Tags;
use crate::podman::{Container, ContainerState, Volume};

mod name;
mod spec;

pub use name::SessionName;
use spec::PREFIX;
pub use spec::{Cpus, Limits, Memory, SCHEMA, Spec};

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The container runs.
    Running,
    /// It does not run, or podman has only the home volume left; `start` brings it back.
    Stopped,
    /// Made, but never started; or the machine was restarted since.
    Created,
    /// Frozen by `podman pause`.
    Paused,
    /// Podman cannot say, or its labels cannot be read; `inspect` says why.
    Broken,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Created => "created",
            Self::Paused => "paused",
            Self::Broken => "broken",
        })
    }
}

/// One session, as podman tells it.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its name.
    pub name: SessionName,
    /// What was fixed when it was made.
    pub spec: Spec,
    /// Its container; `None` where only the home volume is left.
    pub container: Option<Container>,
    /// The version of its labels, where it is not this program's.
    pub foreign_schema: Option<String>,
    /// What is wrong with it.
    pub problems: Vec<String>,
    /// The id of its agent's image as it is built now.
    pub current_image: Option<String>,
}

impl Session {
    fn new(name: SessionName, labels: &BTreeMap<String, String>, tags: &Tags) -> Self {
        let schema = labels.get(&format!("{PREFIX}schema"));
        let foreign_schema = schema.filter(|text| **text != SCHEMA.to_string()).cloned();
        let (spec, problems) = Spec::from_labels(labels);
        let current_image = tags.id(&spec.agent).cloned();
        let problems = if foreign_schema.is_some() { Vec::new() } else { problems };
        Self { name, spec, container: None, foreign_schema, problems, current_image }
    }

    /// The state it is in.
    #[must_use]
    pub fn status(&self) -> Status {
        if !self.problems.is_empty() {
            return Status::Broken;
        }
        match self.container.as_ref().map(|container| container.state) {
            None | Some(ContainerState::Exited) => Status::Stopped,
            Some(ContainerState::Created) => Status::Created,
            Some(ContainerState::Running) => Status::Running,
            Some(ContainerState::Paused) => Status::Paused,
            Some(ContainerState::Stopping | ContainerState::Unknown) => Status::Broken,
        }
    }

    /// Whether its processes may be alive.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let state = self.container.as_ref().map(|container| container.state);
        matches!(state, Some(ContainerState::Running | ContainerState::Paused))
    }

    /// The session as it is now that podman has stopped the containers of these ids; `None` where
    /// its own is none of them.
    #[must_use]
    pub fn once_stopped(mut self, ids: &[String]) -> Option<Self> {
        let container = self.container.as_mut().filter(|own| ids.contains(&own.id))?;
        if container.state != ContainerState::Created {
            container.state = ContainerState::Exited;
        }
        Some(self)
    }

    /// Whether a newer image of its agent is built.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.current_image.as_ref().is_some_and(|current| *current != self.image_id())
    }

    /// The id of the image its container runs, or ran.
    #[must_use]
    pub fn image_id(&self) -> String {
        let actual = self.container.as_ref().map(|container| container.image_id.clone());
        actual.unwrap_or_else(|| self.spec.image_id.clone())
    }

    /// Refuses to change a session whose labels a newer program wrote.
    ///
    /// # Errors
    /// [`Error::SessionTooNew`].
    pub fn check_schema(&self) -> Result<()> {
        match &self.foreign_schema {
            None => Ok(()),
            Some(schema) => {
                Err(Error::SessionTooNew { name: self.name.to_string(), schema: schema.clone() })
            }
        }
    }
}

/// All sessions, by name.
///
/// # Errors
/// Those of a query to podman.
pub fn all(ctx: &Context) -> Result<Vec<Session>> {
    let filters = [format!("label={PREFIX}schema")];
    let (containers, volumes, tags) = thread::scope(|scope| {
        let volumes = scope.spawn(|| ctx.podman.volumes(&filters));
        let tags = scope.spawn(|| Tags::read(ctx, None));
        let containers = ctx.podman.containers(&filters);
        (containers, volumes.join(), tags.join())
    });
    let volumes = volumes.map_err(panicked)??;
    Ok(assemble(&containers?, &volumes, &tags.map_err(panicked)??))
}

/// The session of this name.
///
/// # Errors
/// Those of a query to podman.
pub fn find(ctx: &Context, name: &SessionName) -> Result<Option<Session>> {
    match find_container(ctx, name, None)? {
        (Some(session), _) => Ok(Some(session)),
        (None, tags) => find_home(ctx, name, &tags),
    }
}

/// The session of this name, if it has a container, and what images there are: of this
/// agent, where one is given.
///
/// # Errors
/// Those of a query to podman.
pub fn find_container(
    ctx: &Context,
    name: &SessionName,
    agent: Option<&str>,
) -> Result<(Option<Session>, Tags)> {
    let filters = [with_name(name)];
    let (containers, tags) = thread::scope(|scope| {
        let tags = scope.spawn(|| Tags::read(ctx, agent));
        (ctx.podman.containers(&filters), tags.join())
    });
    let tags = tags.map_err(panicked)??;
    Ok((assemble(&containers?, &[], &tags).pop(), tags))
}

/// The session of this name of which podman has only the home volume left.
///
/// # Errors
/// Those of a query to podman.
pub fn find_home(ctx: &Context, name: &SessionName, tags: &Tags) -> Result<Option<Session>> {
    let volumes = ctx.podman.volumes(&[with_name(name)])?;
    Ok(assemble(&[], &volumes, tags).pop())
}

/// The filter of containers and volumes for the session of this name.
#[must_use]
pub fn with_name(name: &SessionName) -> String {
    format!("label={PREFIX}name={name}")
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Error {
    Error::panicked("asking podman")
}

/// The session of this name, which must exist.
///
/// # Errors
/// [`Error::SessionNotFound`] with the nearest name that exists; those of a query to podman.
pub fn get(ctx: &Context, name: &SessionName) -> Result<Session> {
    match find(ctx, name)? {
        Some(session) => Ok(session),
        None => Err(not_found(name.as_str(), &all(ctx)?)),
    }
}

/// The same, where it is known what images there are.
///
/// # Errors
/// Those of [`get`].
pub fn get_with(ctx: &Context, name: &SessionName, tags: &Tags) -> Result<Session> {
    let containers = ctx.podman.containers(&[with_name(name)])?;
    if let Some(session) = assemble(&containers, &[], tags).pop() {
        return Ok(session);
    }
    match find_home(ctx, name, tags)? {
        Some(session) => Ok(session),
        None => Err(not_found(name.as_str(), &all(ctx)?)),
    }
}

/// The sessions of these names, all of which must exist.
///
/// # Errors
/// Those of [`get`].
pub fn get_all(ctx: &Context, names: &[SessionName]) -> Result<Vec<Session>> {
    if let [name] = names {
        return Ok(vec![get(ctx, name)?]);
    }
    let sessions = all(ctx)?;
    let find = |name: &SessionName| {
        let found = sessions.iter().find(|session| session.name == *name);
        found.cloned().ok_or_else(|| not_found(name.as_str(), &sessions))
    };
    names.iter().map(find).collect()
}

fn not_found(name: &str, sessions: &[Session]) -> Error {
    let names = sessions.iter().map(|session| session.name.as_str());
    Error::SessionNotFound { name: name.into(), nearest: nearest(name, names) }
}

/// The candidate that is most like `name`, if one is like it at all.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then(|| best.1.to_owned())
}

fn assemble(containers: &[Container], volumes: &[Volume], tags: &Tags) -> Vec<Session> {
    let mut sessions: BTreeMap<SessionName, Session> = BTreeMap::new();
    for container in containers {
        let Some(name) = name_in(&container.labels) else { continue };
        if container.names.contains(&name.container()) {
            let mut session = Session::new(name.clone(), &container.labels, tags);
            session.container = Some(container.clone());
            sessions.insert(name, session);
        }
    }
    for volume in volumes {
        let Some(name) = name_in(&volume.labels) else { continue };
        if volume.name == name.container() {
            sessions
                .entry(name.clone())
                .or_insert_with(|| Session::new(name, &volume.labels, tags));
        }
    }
    sessions.into_values().collect()
}

fn name_in(labels: &BTreeMap<String, String>) -> Option<SessionName> {
    SessionName::parse(labels.get(&format!("{PREFIX}name"))?).ok()
}

#[cfg(test)]
mod tests;
