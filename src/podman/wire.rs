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
    /// Its first process, as the host counts; 0 where there is none.
    #[serde(default)]
    pid: u32,
}

impl Container {
    /// When it was started, where it runs.
    #[must_use]
    pub fn started(&self) -> Option<Timestamp> {
        let runs = matches!(self.state, ContainerState::Running | ContainerState::Paused);
        Timestamp::from_second(self.started_at).ok().filter(|_| runs)
    }

    /// Holds a container that podman is stopping for running until its first process has ended.
    /// Podman 4.3 calls one so for ever if it lost its monitor.
    pub(super) fn while_it_lives(mut self, is_alive: impl Fn(u32) -> bool) -> Self {
        if self.state == ContainerState::Stopping && is_alive(self.pid) {
            self.state = ContainerState::Running;
        }
        self
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
    /// Its id, whole. Podman puts `sha256:` before it in its tables, never in its JSON.
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

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    /// What one version of podman printed, of sessions and of what is nobody's here.
    struct Version {
        name: &'static str,
        ps: &'static str,
        volumes: &'static str,
        images: &'static str,
        inspect: &'static str,
        /// What becomes of a session that is stopped after its monitor was killed.
        lost: (ContainerState, &'static str),
        /// What a container has to say whose program does not exist.
        failed: &'static str,
    }

    macro_rules! version {
        ($name:literal, $lost:expr, $failed:literal) => {
            Version {
                name: $name,
                ps: include_str!(concat!("fixtures/", $name, "/ps.json")),
                volumes: include_str!(concat!("fixtures/", $name, "/volumes.json")),
                images: include_str!(concat!("fixtures/", $name, "/images.json")),
                inspect: include_str!(concat!("fixtures/", $name, "/inspect.json")),
                lost: $lost,
                failed: $failed,
            }
        };
    }

    const VERSIONS: [Version; 3] = [
        version!("4.3", (ContainerState::Stopping, ""), ""),
        version!("5.4", (ContainerState::Exited, "internal libpod error"), "not found"),
        version!("5.8", (ContainerState::Exited, "conmon process killed"), "not found"),
    ];

    fn parse<T: DeserializeOwned>(version: &Version, text: &str) -> Vec<T> {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", version.name))
    }

    fn is_whole_id(id: &str) -> bool {
        id.len() == 64 && id.chars().all(|c| c.is_ascii_hexdigit())
    }

    fn container(version: &Version, name: &str) -> Container {
        let mut all: Vec<Container> = parse(version, version.ps);
        all.retain(|container| container.names == [name]);
        all.pop().unwrap_or_else(|| panic!("{}: no {name}", version.name))
    }

    /// The details of what the fixtures show, in this order: a session that runs, one that lost its
    /// monitor, a foreign container, and one that could not be started.
    fn details(version: &Version) -> [Details; 4] {
        parse(version, version.inspect).try_into().unwrap()
    }

    #[test]
    fn the_states_of_containers() {
        for version in &VERSIONS {
            let all: Vec<Container> = parse(version, version.ps);
            let found: Vec<_> = all
                .iter()
                .map(|container| (container.names[0].as_str(), container.state))
                .collect();
            let expected = [
                ("agent-session-default", ContainerState::Running),
                ("agent-session-stopped", ContainerState::Exited),
                ("agent-session-paused", ContainerState::Paused),
                ("agent-session-created", ContainerState::Created),
                ("agent-session-lost", version.lost.0),
                ("web", ContainerState::Running),
                ("init-only", ContainerState::Exited),
                ("inited", ContainerState::Created),
            ];
            assert_eq!(found, expected, "{}", version.name);
        }
    }

    #[test]
    fn a_container_that_is_being_stopped_runs_while_it_lives() {
        let state = |name: &str, alive: bool| {
            container(&VERSIONS[0], name).while_it_lives(|pid| alive && pid > 0).state
        };
        assert_eq!(state("agent-session-lost", true), ContainerState::Running);
        assert_eq!(state("agent-session-lost", false), ContainerState::Stopping);
        assert_eq!(state("agent-session-stopped", true), ContainerState::Exited);
    }

    #[test]
    fn a_container_has_started_where_it_runs() {
        for version in &VERSIONS {
            for (name, runs) in [
                ("agent-session-default", true),
                ("agent-session-paused", true),
                ("agent-session-stopped", false),
                ("agent-session-created", false),
            ] {
                let container = container(version, name);
                let made: Timestamp = container.labels["io.agent-session.created"].parse().unwrap();
                // Whole seconds: it may seem to have started before it was made.
                let is_soon_after = container
                    .started()
                    .map(|started| (-1..60).contains(&started.duration_since(made).as_secs()));
                assert_eq!(is_soon_after, runs.then_some(true), "{} {name}", version.name);
            }
        }
    }

    #[test]
    fn the_labels_of_containers() {
        for version in &VERSIONS {
            let session = container(version, "agent-session-paused");
            assert_eq!(session.labels["io.agent-session.project"], "/home/user/pro, \"ject\"");
            assert!(container(version, "web").labels.is_empty(), "null: {}", version.name);
            let copied = container(version, "init-only");
            assert_eq!(copied.labels["io.agent-session.name"], "default");
        }
    }

    #[test]
    fn a_volume_has_the_labels_of_its_container() {
        for version in &VERSIONS {
            let volumes: Vec<Volume> = parse(version, version.volumes);
            let labels: BTreeMap<_, _> =
                volumes.iter().map(|volume| (volume.name.as_str(), &volume.labels)).collect();
            for name in ["agent-session-default", "agent-session-paused"] {
                let container = container(version, name);
                assert_eq!(labels[name].len(), 11, "{} {name}", version.name);
                for (key, value) in labels[name] {
                    assert_eq!(container.labels[key], *value, "{} {name} {key}", version.name);
                }
            }
            assert!(labels["plain"].is_empty());
            assert_eq!(*labels["foreign"], BTreeMap::from([("a".into(), "b".into())]));
        }
    }

    #[test]
    fn images_are_known_by_name_and_by_id() {
        for version in &VERSIONS {
            let images: Vec<Image> = parse(version, version.images);
            let names: Vec<_> =
                images.iter().map(|image| image.names.first().map(String::as_str)).collect();
            let expected = [
                Some("localhost/plain:latest"),
                Some("localhost/agent-session-shell:latest"),
                Some("localhost/agent-session-base:latest"),
                None,
            ];
            assert_eq!(names, expected, "{}", version.name);
            assert!(images.iter().all(|image| is_whole_id(&image.id) && image.size > 700_000));
            let session = container(version, "agent-session-default");
            assert!(is_whole_id(&session.id));
            assert_eq!(session.image_id, images[1].id);
            assert_eq!(session.labels["io.agent-session.image-id"], images[1].id);
            assert_eq!(images[1].labels["io.agent-session.image"], "shell");
            assert!(images[0].labels.is_empty() && images[3].labels.is_empty());
        }
    }

    #[test]
    fn the_limits_and_rights_of_a_container() {
        for version in &VERSIONS {
            let [session, _, foreign, _] = details(version);
            let host = session.host_config;
            assert_eq!((host.memory, host.pids_limit), (8 << 30, 2048));
            assert_eq!(
                (host.network_mode.as_str(), host.userns_mode.as_str()),
                ("none", "private")
            );
            assert!(host.cap_drop.iter().any(|name| name == "CAP_SETUID"), "{}", version.name);
            assert_eq!(host.security_opt, ["no-new-privileges"]);
            assert!(!host.privileged && !host.readonly_rootfs);
            assert!(session.config.env.iter().any(|pair| pair == "GREETING=hello"));
            let host = foreign.host_config;
            assert_eq!((host.memory, host.userns_mode.as_str()), (0, ""));
            assert!(host.cap_drop.is_empty() && host.security_opt.is_empty());
        }
    }

    #[test]
    fn what_went_wrong_with_a_container() {
        for version in &VERSIONS {
            let [session, lost, _, failed] = details(version).map(|details| details.state);
            assert_eq!((session.error.as_str(), session.oom_killed), ("", false));
            for (error, end) in [(lost.error, version.lost.1), (failed.error, version.failed)] {
                assert!(error.ends_with(end) && error.is_empty() == end.is_empty(), "{error}");
            }
        }
    }
}
