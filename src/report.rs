//! The results of commands: one type each, what every rendering is made from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::context::Context;
use crate::doctor::{Check, Verdict};
use crate::lock;
use crate::mount::{Mode, Mount};
use crate::session::{Session, Status};
use crate::shell::Shell;

mod project;

pub use project::{
    AllowReport, Asked, ConfigReport, DenyReport, ProjectReport, SettingReport, StatusReport, Trust,
};

/// What a command found or did: one variant a command, named in its schema as on the command line.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(!untagged, rename_all = "kebab-case")]
pub enum Report {
    /// All sessions, by name
    #[schemars(rename = "ls")]
    Sessions(Vec<SessionReport>),
    /// The session that runs now
    #[schemars(rename = "start")]
    Started(Box<SessionReport>),
    /// The session that runs again
    #[schemars(rename = "restart")]
    Restarted(Box<SessionReport>),
    /// The sessions that are stopped now: an object for one name, a list for several
    #[schemars(rename = "stop")]
    Stopped(OneOrMany<SessionReport>),
    /// The sessions that are gone: an object for one name, a list for several
    #[schemars(rename = "rm")]
    Removed(OneOrMany<RemovedReport>),
    /// The images that were built: an object for one agent, a list for several
    #[schemars(rename = "build")]
    Built(OneOrMany<BuildReport>),
    /// The agents, and whether each is ready
    Agents(Vec<AgentReport>),
    /// Everything about one session
    #[schemars(rename = "inspect")]
    Inspection(Box<InspectReport>),
    /// Every check of this machine, and what mends what fails
    Doctor(DoctorReport),
    /// The JSON Schema of one command's result, or those of all by the command's name
    Schema(SchemaReport),
    /// What a project's file asks for, and whether it may have its say
    #[schemars(rename = "allow")]
    Allowed(Box<AllowReport>),
    /// The directory whose projects are ignored from now on
    #[schemars(rename = "deny")]
    Denied(DenyReport),
    /// The session of this directory's project, and its state
    Status(StatusReport),
    /// The settings that hold here, and who said so
    Config(Box<ConfigReport>),
    /// The project's file that was written
    Project(ProjectReport),
    /// The hook of a shell
    Init(HookReport),
}

impl Report {
    /// Whether what was looked at is as it should be: a program that finds faults ends with 1.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !matches!(self, Self::Doctor(report) if report.failed > 0)
    }
}

/// An object where one thing was asked for, a list where several were.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum OneOrMany<T> {
    /// One was asked for.
    One(Box<T>),
    /// Several were, or all.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The results, in the form that the question had.
    #[must_use]
    pub fn new(mut all: Vec<T>, many: bool) -> Self {
        match all.pop() {
            Some(one) if !many && all.is_empty() => Self::One(Box::new(one)),
            last => {
                all.extend(last);
                Self::Many(all)
            }
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::One(one) => std::slice::from_ref(one.as_ref()).iter(),
            Self::Many(many) => many.iter(),
        }
    }
}

/// A session, as `ls`, `start`, `stop` and `restart` show it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SessionReport {
    /// Its name.
    pub name: String,
    /// Its agent's name.
    pub agent: String,
    /// The state it is in.
    pub status: Status,
    /// The first mounted path: absolute.
    pub project: String,
    /// Everything of the host's that is mounted.
    pub mounts: Vec<MountReport>,
    /// When the session was made.
    pub created: Timestamp,
    /// When its container was started; null where it does not run.
    pub started: Option<Timestamp>,
    /// How long it has run, in nanoseconds; null where it does not run.
    pub uptime_ns: Option<i64>,
    /// The name of its container.
    pub container: String,
    /// The container's id; null where podman has only the home volume left.
    pub container_id: Option<String>,
    /// The name of its agent's image.
    pub image: String,
    /// The id of the image it runs.
    pub image_id: String,
    /// Whether a newer image of its agent is built.
    pub outdated: bool,
    /// How many terminals are attached from this account.
    pub clients: usize,
}

impl SessionReport {
    /// What is known of `session` at this moment.
    #[must_use]
    pub fn new(ctx: &Context, session: &Session) -> Self {
        let container = session.container.as_ref();
        let started = container.and_then(crate::podman::Container::started);
        let uptime = started.map(|started| ctx.now().duration_since(started).as_nanos());
        Self {
            name: session.name.to_string(),
            agent: session.spec.agent.clone(),
            status: session.status(),
            project: session.spec.project.clone(),
            mounts: session.spec.mounts.iter().map(MountReport::new).collect(),
            created: session.spec.created,
            started,
            uptime_ns: uptime.map(|uptime| i64::try_from(uptime.max(0)).unwrap_or(i64::MAX)),
            container: session.name.container(),
            container_id: container.map(|container| container.id.clone()),
            image: crate::image::reference(&session.spec.agent),
            image_id: session.image_id(),
            outdated: session.is_outdated(),
            clients: lock::live_clients(ctx, &session.name).len(),
        }
    }
}

/// One mounted path.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MountReport {
    /// On the host: absolute and canonical.
    pub source: String,
    /// Inside: absolute.
    pub target: String,
    /// `rw` or `ro`.
    pub mode: Mode,
}

impl MountReport {
    /// What is known of a mount.
    #[must_use]
    pub fn new(mount: &Mount) -> Self {
        Self { source: mount.source.clone(), target: mount.target.clone(), mode: mount.mode }
    }
}

/// A session that was asked to be removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedReport {
    /// Its name.
    pub name: String,
    /// Whether it is gone.
    pub removed: bool,
}

/// An image that was built.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BuildReport {
    /// The agent's name.
    pub agent: String,
    /// The name of its image.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// Its size, with everything that it stands on.
    pub size_bytes: u64,
    /// How long the build took.
    pub duration_ns: i64,
    /// The versions of what is inside, by name.
    pub versions: BTreeMap<String, String>,
    /// How the parts that are not built came to this machine, by name.
    pub sources: BTreeMap<String, String>,
}

/// An agent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AgentReport {
    /// Its name.
    pub name: String,
    /// Its name in the menu; null where its definition is broken.
    pub title: Option<String>,
    /// What it is; null where its definition is broken.
    pub description: Option<String>,
    /// Whether its image is built.
    pub ready: bool,
    /// Whether the image was built from another definition than the one at hand.
    pub outdated: bool,
    /// The name of its image.
    pub image: String,
    /// The image's id; null where it is not built.
    pub image_id: Option<String>,
    /// The image's size; null where it is not built.
    pub size_bytes: Option<u64>,
    /// The folder of the user's own definition; null for one that is built in.
    pub folder: Option<String>,
    /// What is wrong with its definition; null where nothing is.
    pub error: Option<String>,
}

/// Everything about one session.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InspectReport {
    /// What `ls` shows.
    #[serde(flatten)]
    pub session: SessionReport,
    /// Arguments that its agent is given.
    pub agent_args: Vec<String>,
    /// The names of the variables that were set with `--env`; never their values.
    pub environment: Vec<String>,
    /// The names of the variables that are podman secrets.
    pub secrets: Vec<String>,
    /// The name of its home volume; null where it is gone.
    pub volume: Option<String>,
    /// What it is held to; null where it has no container.
    pub limits: Option<LimitsReport>,
    /// How it is walled in; null where it has no container.
    pub policy: Option<PolicyReport>,
    /// Versions: of the agent-session that made it, and what its image was built from.
    pub versions: BTreeMap<String, String>,
    /// All labels of its container or volume.
    pub labels: BTreeMap<String, String>,
    /// What is wrong, and why; empty where nothing is.
    pub problems: Vec<String>,
}

/// The limits of a container.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LimitsReport {
    /// Null where there is none.
    pub memory_bytes: Option<u64>,
    /// How many processes; null where there is no limit.
    pub pids: Option<u64>,
}

/// The wall around a container.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyReport {
    /// Podman's network mode.
    pub network: String,
    /// Podman's user namespace mode.
    pub user_namespace: String,
    /// The capabilities it was denied.
    pub capabilities_dropped: Vec<String>,
    /// Whether no program inside can gain rights.
    pub no_new_privileges: bool,
    /// Whether it has all rights of the host; never, unless somebody else made the container.
    pub privileged: bool,
}

/// JSON Schemas.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum SchemaReport {
    /// One was asked for.
    One(Box<Schema>),
    /// None was: all, by name.
    All(BTreeMap<String, Schema>),
}

/// What `doctor` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorReport {
    /// How many checks failed.
    pub failed: usize,
    /// How many warn.
    pub warnings: usize,
    /// Every check, in order; one that looked at several things is there once for each.
    pub checks: Vec<CheckReport>,
}

impl DoctorReport {
    /// Counts.
    #[must_use]
    pub fn new(checks: Vec<CheckReport>) -> Self {
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        Self { failed: count(Verdict::Failed), warnings: count(Verdict::Warning), checks }
    }
}

/// What one check found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Which check.
    pub code: Check,
    /// How it ended.
    pub status: Verdict,
    /// What was found.
    pub found: String,
    /// What that means for sessions, where not all is well.
    pub meaning: Option<String>,
    /// The command that mends it.
    pub fix: Option<String>,
    /// Whether `--fix` runs that command; it leaves the others to the user.
    pub automatic: bool,
}

/// What a shell is to read.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HookReport {
    /// The shell.
    pub shell: Shell,
    /// The text, in the shell's language.
    pub script: &'static str,
}
