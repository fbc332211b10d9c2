//! What is fixed when a session is made, and the labels that keep it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::SessionName;
use crate::mount::Mount;

/// The version of the labels. This program reads this one and changes no newer one.
pub const SCHEMA: u32 = 1;
pub(super) const PREFIX: &str = "io.agent-session.";

/// What is fixed when a session is made, and kept in the labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// The variables that are podman secrets, each with the fingerprint of its value.
    pub secrets: BTreeMap<String, String>,
    /// The id of the image it was made from.
    pub image_id: String,
    /// The version of agent-session that made it.
    pub version: String,
    /// When the session was made.
    pub created: Timestamp,
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
        entries.into_iter().map(|(key, value)| (format!("{PREFIX}{key}"), value)).collect()
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
