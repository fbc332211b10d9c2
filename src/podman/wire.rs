//! Podman's JSON, as far as it is read here. What differs between its versions ends here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer};

/// One container of `podman ps --all --format json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    /// Its id, whole.
    pub id: String,
    /// Its names; the first is the one it was created with.
    pub names: Vec<String>,
    /// What podman holds it to be.
    pub state: ContainerState,
    /// The id of its image, whole, without `sha256:`.
    #[serde(rename = "ImageID")]
    pub image_id: String,
    /// Its labels and its image's.
    #[serde(default, deserialize_with = "null_as_default")]
    pub labels: BTreeMap<String, String>,
    /// Seconds since 1970; of no meaning for one that never ran.
    #[serde(default)]
    started_at: i64,
}

impl Container {
    /// When it was started, where it runs.
    #[must_use]
    pub fn started(&self) -> Option<Timestamp> {
        let runs = matches!(self.state, ContainerState::Running | ContainerState::Paused);
        Timestamp::from_second(self.started_at).ok().filter(|_| runs)
    }
}

/// The state of a container, as podman calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "podman's own words")]
pub enum ContainerState {
    #[serde(alias = "configured", alias = "initialized")]
    Created,
    Running,
    Paused,
    #[serde(alias = "stopped")]
    Exited,
    Stopping,
    #[serde(other)]
    Unknown,
}

/// One volume of `podman volume ls --format json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its labels, decoded: see [`super::Podman::create_volume`].
    #[serde(default, deserialize_with = "decoded")]
    pub labels: BTreeMap<String, String>,
}

/// One image of `podman images --format json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    /// Its id, whole, without `sha256:` (podman 5 prints it with).
    #[serde(deserialize_with = "plain_id")]
    pub id: String,
    /// Its names, with their tags.
    #[serde(default, deserialize_with = "null_as_default")]
    pub names: Vec<String>,
    /// In bytes.
    pub size: u64,
    /// Its labels.
    #[serde(default, deserialize_with = "null_as_default")]
    pub labels: BTreeMap<String, String>,
}

/// What `podman container inspect` adds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Details {
    /// The parts that were fixed at its creation.
    pub host_config: HostConfig,
    /// Environment and command.
    pub config: Config,
    /// Its state in more words.
    pub state: State,
}

/// The limits and rights of a container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "podman's own words")]
pub struct HostConfig {
    pub memory: i64,
    pub pids_limit: i64,
    #[serde(default)]
    pub network_mode: String,
    #[serde(default)]
    pub userns_mode: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub cap_drop: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub security_opt: Vec<String>,
    #[serde(default)]
    pub privileged: bool,
    #[serde(default)]
    pub readonly_rootfs: bool,
}

/// The environment of a container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Config {
    /// `NAME=VALUE`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub env: Vec<String>,
}

/// Why a container is in the state it is in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct State {
    /// Podman's word for what went wrong, often empty.
    #[serde(default)]
    pub error: String,
    /// Whether the kernel killed it for want of memory.
    #[serde(default, rename = "OOMKilled")]
    pub oom_killed: bool,
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn decoded<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let labels: BTreeMap<String, String> = null_as_default(deserializer)?;
    let decode = |value: String| percent_decode_str(&value).decode_utf8_lossy().into_owned();
    Ok(labels.into_iter().map(|(key, value)| (key, decode(value))).collect())
}

fn plain_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    Ok(id.strip_prefix("sha256:").unwrap_or(&id).to_owned())
}
