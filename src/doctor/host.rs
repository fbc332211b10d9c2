//! The machine: its mounts, its login manager, its kernel's keyrings.

use std::fs;
use std::path::Path;

use super::{Check, Command, Finding};
use crate::context::Context;

/// A container takes a keyring, which counts as some keys; so many are wanted in reserve.
const KEYS_OF_A_CONTAINER: u64 = 15;
const MORE_KEYS: &str = "kernel.keys.maxkeys=20000";

/// Checks what the machine does to containers.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    if ctx.podman.is_remote() {
        return Vec::new();
    }
    let mut all = vec![root_mount(&read("/proc/self/mountinfo"))];
    let uid = rustix::process::getuid().as_raw();
    let maximum = if uid == 0 { "root_maxkeys" } else { "maxkeys" };
    let maximum = read(&format!("/proc/sys/kernel/keys/{maximum}"));
    all.extend(keyring(maximum.trim().parse().ok(), &read("/proc/key-users"), uid));
    if uid != 0 && has_systemd() {
        all.extend(logout(ctx));
    }
    all
}

/// Whether systemd manages this machine (`sd_booted(3)`).
pub(super) fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

fn root_mount(mountinfo: &str) -> Finding {
    let root = mountinfo.lines().find(|line| line.split(' ').nth(4) == Some("/"));
    if root.is_none_or(|line| line.contains(" shared:")) {
        return Finding::ok(Check::RootMount, "/ is shared");
    }
    Finding::warning(Check::RootMount, "/ is not a shared mount")
        .meaning(
            "what is mounted on the host later, like a disk below a project, is not seen by \
             sessions that run",
        )
        .mend(vec![Command::as_root(&["mount", "--make-rshared", "/"])])
}

/// Sessions end with the last logout unless the user lingers.
fn logout(ctx: &Context) -> Vec<Finding> {
    let user = ctx.var("USER").or(ctx.var("LOGNAME")).map(|name| name.to_string_lossy());
    let lingers =
        user.is_some_and(|user| Path::new("/var/lib/systemd/linger").join(&*user).exists());
    if lingers {
        return vec![Finding::ok(Check::Linger, "sessions go on after a logout")];
    }
    let enable = vec![Command::new(&["loginctl", "enable-linger"])];
    let mut all = vec![
        Finding::warning(Check::Linger, "the user does not linger")
            .meaning("systemd ends every session with your last logout")
            .mend(enable.clone()),
    ];
    let kills = |line: &str| line.trim().eq_ignore_ascii_case("KillUserProcesses=yes");
    if read("/etc/systemd/logind.conf").lines().any(kills) {
        all.push(
            Finding::warning(Check::KillUserProcesses, "logind kills what a login leaves behind")
                .meaning("also agent-session itself in the middle of its work")
                .mend(enable),
        );
    }
    all
}

/// From the kernel's most keys for a user, and `/proc/key-users`.
fn keyring(maximum: Option<u64>, users: &str, uid: u32) -> Option<Finding> {
    let maximum = maximum?;
    let used = used_keys(users, uid).unwrap_or(0);
    let left = maximum.saturating_sub(used) / KEYS_OF_A_CONTAINER;
    let found = format!("{used} of {maximum} keys are in use, room for about {left} sessions");
    Some(match left {
        0 => Finding::failed(Check::Keyring, found)
            .meaning("the kernel has no keyring for another container")
            .mend(vec![Command::as_root(&["sysctl", "--write", MORE_KEYS])]),
        1..=3 => Finding::warning(Check::Keyring, found)
            .meaning("each container takes a keyring, and the kernel allows only so many keys")
            .mend(vec![Command::as_root(&["sysctl", "--write", MORE_KEYS])]),
        _ => Finding::ok(Check::Keyring, found),
    })
}

/// The keys of a user: the number before the slash in `UID: usage nkeys/nikeys qnkeys/max …`
/// (proc(5)), of the third pair.
fn used_keys(users: &str, uid: u32) -> Option<u64> {
    let line = users.lines().find(|line| line.trim().starts_with(&format!("{uid}:")))?;
    line.split_whitespace().nth(3)?.split('/').next()?.parse().ok()
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_root_that_is_private_is_warned_of() {
        let shared = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";
        let private =
            "21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n22 21 0:5 / /sys rw shared:2 - x y z\n";
        assert_eq!(root_mount(shared).verdict, Verdict::Ok);
        assert_eq!(root_mount(private).verdict, Verdict::Warning);
    }

    #[test]
    fn keys_in_use_leave_room_for_so_many_sessions() {
        let users =
            "    0:   100 99/99 90/1000000 1500/25000000\n 1000:    20 20/20 190/200 300/20000\n";
        let verdict = |uid, maximum| keyring(Some(maximum), users, uid).unwrap().verdict;
        assert_eq!(verdict(0, 1_000_000), Verdict::Ok);
        assert_eq!(verdict(1000, 200), Verdict::Failed);
        assert_eq!(verdict(1000, 230), Verdict::Warning);
        assert_eq!(verdict(1001, 200), Verdict::Ok);
        assert!(keyring(None, users, 0).is_none());
    }
}
