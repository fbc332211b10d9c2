//! What the host's kernel offers: limits it can hold, labels it enforces.

use std::fs;
use std::path::Path;

/// The most memory a session gets, in bytes.
const MEMORY_CAP: u64 = 8 << 30;

/// Which limits can be set on a container here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In bytes; `None` where the controller is not delegated.
    pub memory: Option<u64>,
    /// Whether the number of processes can be limited.
    pub pids: bool,
    /// Whether the processors can be limited.
    pub cpus: bool,
}

/// The limits that a local podman can set. A rootless one needs cgroups v2 and controllers that
/// systemd delegated to the user; podman 4.3 refuses nothing there, it only says that it ignores
/// them.
#[must_use]
pub fn limits(rootless: bool) -> Limits {
    let controllers = controllers(rootless);
    let has = |name: &str| controllers.split_whitespace().any(|controller| controller == name);
    Limits { memory: has("memory").then(memory).flatten(), pids: has("pids"), cpus: has("cpu") }
}

/// Whether `SELinux` enforces its policy.
#[must_use]
pub fn selinux_enforces() -> bool {
    fs::read_to_string("/sys/fs/selinux/enforce").is_ok_and(|text| text.trim() == "1")
}

fn controllers(rootless: bool) -> String {
    const ROOT: &str = "/sys/fs/cgroup";
    let v2 = Path::new(ROOT).join("cgroup.controllers");
    if rootless {
        let user = rustix::process::getuid().as_raw();
        let slice = format!("{ROOT}/user.slice/user-{user}.slice/user@{user}.service");
        return fs::read_to_string(Path::new(&slice).join("cgroup.controllers"))
            .unwrap_or_default();
    }
    fs::read_to_string(v2).unwrap_or_else(|_| {
        let named = |name: &&str| Path::new(ROOT).join(name).is_dir();
        ["memory", "pids", "cpu"].into_iter().filter(named).collect::<Vec<_>>().join(" ")
    })
}

/// The lesser of 8 GiB and three quarters of the machine's memory.
fn memory() -> Option<u64> {
    let total = total_memory(&fs::read_to_string("/proc/meminfo").ok()?)?;
    Some(MEMORY_CAP.min(total / 4 * 3))
}

fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_meminfo() {
        let text = "MemTotal:       24662028 kB\nMemFree:        100 kB\n";
        assert_eq!(total_memory(text), Some(24_662_028 * 1024));
        assert_eq!(total_memory(""), None);
    }
}
