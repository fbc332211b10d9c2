//! What is told of projects: whether they may have their say, and what they say.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::MountReport;
use crate::config::Auto;
use crate::session::{Limits, Status};
use crate::settings::Source;

/// Whether a project's file may have its say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// It was allowed, as it is now.
    Trusted,
    /// Nobody said anything, or not of what is there now.
    Untrusted,
    /// It was denied, or a directory above it was.
    Denied,
}

/// The session of a directory's project.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct StatusReport {
    /// The root of the project: absolute; null outside one.
    pub project: Option<String>,
    /// Whether its file has its say; null outside one.
    pub trust: Option<Trust>,
    /// The name of its session; null where its file has no say.
    pub session: Option<String>,
    /// Whether the state is known: with `--prompt`, podman may keep it where it cannot be seen.
    pub known: bool,
    /// The state of the session; null where there is none, or it is not known.
    pub status: Option<Status>,
    /// How many terminals are attached from this account.
    pub clients: usize,
    /// Whether a few words are wanted.
    #[serde(skip)]
    pub for_prompt: bool,
}

/// A project's file that was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProjectReport {
    /// The project's root: absolute.
    pub project: String,
    /// The file: absolute.
    pub file: String,
}

/// What holds for a session that is started here.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConfigReport {
    /// The user's file, whether it is there or not: absolute.
    pub user_file: String,
    /// The root of the project around: absolute; null where there is none.
    pub project: Option<String>,
    /// Whether the project's file has its say; null where there is none.
    pub trust: Option<Trust>,
    /// Every setting; one that is a list has an entry for each of its members.
    pub settings: Vec<SettingReport>,
}

/// One setting, and who said it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SettingReport {
    /// Its name, as in the files.
    pub key: String,
    /// What holds; of a variable only its name, null where nothing was said.
    pub value: Value,
    /// Who said it.
    pub source: Source,
}

/// A directory that was denied.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DenyReport {
    /// The directory: absolute.
    pub project: String,
    /// What holds from now on: `denied`.
    pub trust: Trust,
}

/// A project that was allowed, or is to be looked at before.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AllowReport {
    /// Its root: absolute.
    pub project: String,
    /// What holds from now on; with `--dry-run`, what holds.
    pub trust: Trust,
    /// Whether nothing was done but to show this.
    pub dry_run: bool,
    /// What its file asks for; null where it has none, and a denial was taken back.
    pub asks: Option<Asked>,
}

/// What a project's file asks for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Asked {
    /// The name of its session.
    pub name: String,
    /// Its agent; null where the file names none.
    pub agent: Option<String>,
    /// Arguments for the agent.
    pub args: Vec<String>,
    /// A shell command, run once in a new session; null where there is none.
    pub setup: Option<String>,
    /// Its paths and mounts.
    pub mounts: Vec<MountReport>,
    /// The names of the variables it sets or passes on.
    pub environment: Vec<String>,
    /// What its session is held to.
    pub limits: AskedLimits,
    /// What happens when a shell enters it.
    pub auto: Auto,
}

/// What a session is to be held to; null where nothing is said.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AskedLimits {
    /// As podman takes it: `512m`, `4g`.
    pub memory: Option<String>,
    /// How many processes.
    pub pids: Option<u32>,
    /// How many processors.
    pub cpus: Option<f64>,
}

impl From<&Limits> for AskedLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            memory: limits.memory.clone().map(String::from),
            pids: limits.pids.map(NonZeroU32::get),
            cpus: limits.cpus.map(f64::from),
        }
    }
}
