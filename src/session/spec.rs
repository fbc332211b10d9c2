//! What is fixed when a session is made, and the labels that keep it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::SessionName;
use crate::mount::Mount;

/// The version of the labels. This program reads this one and changes no newer one.
pub const SCHEMA: u32 = 1;
pub(super) const PREFIX: &str = "io.agent-session.";

/// What is fixed when a session is made, and kept in the labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spec {
    /// The agent's name.
    pub agent: String,
    /// The first mounted path: an absolute directory of the host.
    pub project: String,
    /// Everything of the host's that is mounted.
    pub mounts: Vec<Mount>,
    /// Arguments for the agent, each time that it starts.
    pub args: Vec<String>,
    /// `NAME=VALUE` as given, or `NAME` for a variable of the host's.
    pub env: Vec<String>,
    /// What it is held to, where that was said.
    pub limits: Limits,
    /// A shell command, run once before the agent starts for the first time.
    pub setup: Option<String>,
    /// The variables that are podman secrets, each with the fingerprint of its value.
    pub secrets: BTreeMap<String, String>,
    /// The id of the image it was made from.
    pub image_id: String,
    /// The version of agent-session that made it.
    pub version: String,
    /// When the session was made.
    pub created: Timestamp,
}

/// What a session is held to; where nothing is said, this program's defaults hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// As podman takes it: `512m`, `4g`.
    pub memory: Option<Memory>,
    /// How many processes.
    pub pids: Option<NonZeroU32>,
    /// How many processors; parts of one count.
    pub cpus: Option<Cpus>,
}

impl Limits {
    /// These, and where they say nothing the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            memory: self.memory.or(others.memory),
            pids: self.pids.or(others.pids),
            cpus: self.cpus.or(others.cpus),
        }
    }
}

/// An amount of memory: a whole number of `b`, `k`, `m` or `g`, each 1024 of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Memory(String);

impl TryFrom<String> for Memory {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = text.strip_suffix(['b', 'k', 'm', 'g']).unwrap_or_default();
        match number.parse::<u64>() {
            Ok(1..) if number.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self(text)),
            _ => Err("memory is a whole number and one of b, k, m, g: \"4g\""),
        }
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> Self {
        memory.0
    }
}

/// A number of processors, above zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Cpus(f64);

impl TryFrom<f64> for Cpus {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        let is_sane = number.is_finite() && number >= 0.01;
        if is_sane { Ok(Self(number)) } else { Err("cpus is a number above zero: 1.5") }
    }
}

impl From<Cpus> for f64 {
    fn from(cpus: Cpus) -> Self {
        cpus.0
    }
}

impl Spec {
    /// The labels that say all this of a session.
    #[must_use]
    pub fn labels(&self, name: &SessionName) -> BTreeMap<String, String> {
        let entries = [
            ("schema", SCHEMA.to_string()),
            ("name", name.to_string()),
            ("agent", self.agent.clone()),
            ("project", self.project.clone()),
            ("mounts", json(&self.mounts)),
            ("args", json(&self.args)),
            ("env", json(&self.env)),
            ("secrets", json(&self.secrets)),
            ("image-id", self.image_id.clone()),
            ("version", self.version.clone()),
            ("created", self.created.to_string()),
        ];
        let limits = (self.limits != Limits::default()).then(|| ("limits", json(&self.limits)));
        let setup = self.setup.is_some().then(|| ("setup", json(&self.setup)));
        let all = entries.into_iter().chain(limits).chain(setup);
        all.map(|(key, value)| (format!("{PREFIX}{key}"), value)).collect()
    }

    /// Reads the labels; what cannot be read is left empty and named in the second value.
    pub(super) fn from_labels(labels: &BTreeMap<String, String>) -> (Self, Vec<String>) {
        let mut reader = Reader { labels, problems: Vec::new() };
        let spec = Self {
            agent: reader.text("agent"),
            project: reader.text("project"),
            mounts: reader.json("mounts"),
            args: reader.json("args"),
            env: reader.json("env"),
            limits: reader.optional("limits"),
            setup: reader.optional("setup"),
            secrets: reader.json("secrets"),
            image_id: reader.text("image-id"),
            version: reader.text("version"),
            created: reader.parsed("created"),
        };
        (spec, reader.problems)
    }
}

/// The JSON of a label; lists of strings and mounts cannot fail to be written.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

struct Reader<'a> {
    labels: &'a BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn text(&mut self, key: &str) -> String {
        let found = self.labels.get(&format!("{PREFIX}{key}"));
        if found.is_none() {
            self.problems.push(format!("the label {PREFIX}{key} is missing"));
        }
        found.cloned().unwrap_or_default()
    }

    fn json<T: for<'de> Deserialize<'de> + Default>(&mut self, key: &str) -> T {
        let text = self.text(key);
        let parsed = serde_json::from_str(&text);
        self.keep(key, &text, parsed)
    }

    /// A label that is there only where something was said.
    fn optional<T: for<'de> Deserialize<'de> + Default>(&mut self, key: &str) -> T {
        if self.labels.contains_key(&format!("{PREFIX}{key}")) {
            self.json(key)
        } else {
            T::default()
        }
    }

    fn parsed<T: std::str::FromStr + Default>(&mut self, key: &str) -> T {
        let text = self.text(key);
        let parsed = text.parse();
        self.keep(key, &text, parsed)
    }

    fn keep<T: Default, E>(
        &mut self,
        key: &str,
        text: &str,
        parsed: std::result::Result<T, E>,
    ) -> T {
        if parsed.is_err() && !text.is_empty() {
            self.problems.push(format!("the label {PREFIX}{key} is not understood"));
        }
        parsed.unwrap_or_default()
    }
}
