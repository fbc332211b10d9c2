//! What podman's own files tell of sessions, at once and without a process of podman's: for prompts
//! and completions, which must not wait.
//!
//! Podman is asked wherever something is decided. These files are the storage library's list of
//! containers, which podman writes before it tells of a container, and the process id that the
//! monitor writes; they were right after pause, stop, start, removal, and after a kill of the
//! session or of its monitor. What they do not tell: whether a container was ever started, what is
//! behind `CONTAINER_HOST` or in a virtual machine, and what runs where somebody wiped podman's
//! run directory.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::context::Context;
use crate::process;
use crate::session::{SessionName, Status};

/// A session, as the files tell it.
#[derive(Debug)]
pub struct Glimpse {
    /// Its name.
    pub name: SessionName,
    /// The state it is in: running, paused, or stopped for all others.
    pub status: Status,
    /// Its agent, where it was ever started.
    pub agent: Option<String>,
    /// What it works on, where it was ever started.
    pub project: Option<String>,
}

/// Where podman keeps what is looked at.
#[derive(Debug)]
pub struct Files {
    /// Below podman's `graphroot`.
    containers: PathBuf,
    /// The same for this boot, below its `runroot`.
    running: PathBuf,
    volumes: PathBuf,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Deserialize)]
struct Bundle {
    process: Process,
}

#[derive(Deserialize)]
struct Process {
    env: Vec<String>,
}

impl Files {
    /// Podman's files; `None` where they are not on this host, or cannot be found for sure.
    #[must_use]
    pub fn of(ctx: &Context) -> Option<Self> {
        let (graph, run) = storage(ctx)?;
        let drivers = ["overlay", "vfs", "btrfs", "zfs"];
        let driver =
            drivers.iter().find(|driver| list(&graph, driver).is_file()).unwrap_or(&"overlay");
        let folder = format!("{driver}-containers");
        let (containers, running) = (graph.join(&folder), run.join(folder));
        graph.is_dir().then(|| Self { containers, running, volumes: graph.join("volumes") })
    }

    /// The state of a session; the outer `None` where nobody can tell, the inner where there is none.
    #[must_use]
    pub fn status(&self, name: &SessionName) -> Option<Option<Status>> {
        let container = name.container();
        let entries = self.entries()?;
        let entry = entries.iter().find(|entry| entry.names.contains(&container));
        let has_home = || self.volumes.join(&container).is_dir();
        Some(match entry {
            Some(entry) => Some(self.state(&entry.id, name)),
            None => has_home().then_some(Status::Stopped),
        })
    }

    /// All sessions that have a container.
    #[must_use]
    pub fn all(&self) -> Vec<Glimpse> {
        let entries = self.entries().unwrap_or_default();
        entries.iter().filter_map(|entry| self.glimpse(entry)).collect()
    }

    fn glimpse(&self, entry: &Entry) -> Option<Glimpse> {
        let name = entry.names.iter().find_map(|name| name.strip_prefix("agent-session-"))?;
        let name = SessionName::parse(name).ok()?;
        let bundle = fs::read(self.containers.join(&entry.id).join("userdata/config.json"));
        let bundle = bundle.ok().and_then(|text| serde_json::from_slice::<Bundle>(&text).ok());
        let env = bundle.map(|bundle| bundle.process.env).unwrap_or_default();
        let value = |key: &str| {
            let found = env.iter().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            found.and_then(|value| value.lines().next()).map(String::from)
        };
        let status = self.state(&entry.id, &name);
        Some(Glimpse {
            name,
            status,
            agent: value("AGENT_SESSION_AGENT"),
            project: value("AGENT_SESSION_PROJECTS"),
        })
    }

    fn entries(&self) -> Option<Vec<Entry>> {
        match fs::read(self.containers.join("containers.json")) {
            Ok(text) => serde_json::from_slice(&text).ok(),
            // Podman has not made any yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Vec::new()),
            Err(_) => None,
        }
    }

    /// The state of a session's container, by the process that is its first.
    fn state(&self, id: &str, name: &SessionName) -> Status {
        let file = self.running.join(id).join("userdata/pidfile");
        let pid = fs::read_to_string(file).ok().and_then(|text| text.trim().parse::<u32>().ok());
        let Some(pid) = pid.filter(|pid| process::is_alive(*pid)) else { return Status::Stopped };
        let cgroups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        // Another process may have the number by now. A rootless container need not have a control
        // group of its own.
        match cgroups.contains(id) || is_of_session(pid, name) {
            false => Status::Stopped,
            true if is_frozen(&cgroups) => Status::Paused,
            true => Status::Running,
        }
    }
}

fn is_of_session(pid: u32, name: &SessionName) -> bool {
    let own = format!("AGENT_SESSION={name}");
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|pair| pair == own.as_bytes())
}

fn list(graph: &Path, driver: &str) -> PathBuf {
    graph.join(format!("{driver}-containers/containers.json"))
}

fn is_frozen(cgroups: &str) -> bool {
    let path =
        |prefix: &str| cgroups.lines().find_map(|line| line.split_once(prefix)).map(|pair| pair.1);
    let says = |file: String, word: &str| {
        fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line == word))
    };
    let old = path(":freezer:").map(|path| format!("/sys/fs/cgroup/freezer{path}/freezer.state"));
    let new = path("0::").map(|path| format!("/sys/fs/cgroup{path}/cgroup.events"));
    old.is_some_and(|file| says(file, "FROZEN")) || new.is_some_and(|file| says(file, "frozen 1"))
}

#[derive(Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    storage: Storage,
}

#[derive(Default, Deserialize)]
struct Storage {
    graphroot: Option<PathBuf>,
    runroot: Option<PathBuf>,
    rootless_storage_path: Option<String>,
}

/// `graphroot` and `runroot` (containers-storage.conf(5)).
fn storage(ctx: &Context) -> Option<(PathBuf, PathBuf)> {
    if ctx.podman.is_remote() {
        return None;
    }
    let read = |file: &Path| -> Option<Storage> {
        let text = fs::read_to_string(file).ok()?;
        Some(toml::from_str::<Configuration>(&text).ok()?.storage)
    };
    let named = ctx.var("CONTAINERS_STORAGE_CONF").map(Path::new);
    if rustix::process::geteuid().is_root() {
        let files = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"];
        let found = match named {
            Some(file) => read(file),
            None => files.iter().find_map(|file| read(Path::new(file))),
        };
        let found = found.unwrap_or_default();
        let graph = found.graphroot.unwrap_or_else(|| "/var/lib/containers/storage".into());
        let run = found.runroot.unwrap_or_else(|| "/run/containers/storage".into());
        return Some((graph, run));
    }
    // Podman 4 and 5 do not do the same with it.
    if named.is_some() {
        return None;
    }
    let system = read(Path::new("/etc/containers/storage.conf")).unwrap_or_default();
    let own = read(&ctx.xdg("XDG_CONFIG_HOME", ".config").join("containers/storage.conf"));
    let own = own.unwrap_or_default();
    if own.graphroot.is_none() && system.rootless_storage_path.is_some() {
        return None;
    }
    let graph = own
        .graphroot
        .unwrap_or_else(|| ctx.xdg("XDG_DATA_HOME", ".local/share").join("containers/storage"));
    let runtime = ctx.var("XDG_RUNTIME_DIR").map_or_else(
        || format!("/run/user/{}", rustix::process::getuid().as_raw()).into(),
        PathBuf::from,
    );
    Some((graph, own.runroot.unwrap_or_else(|| runtime.join("containers"))))
}
