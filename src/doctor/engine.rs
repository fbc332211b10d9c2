//! Podman itself.

use std::path::Path;
use std::thread;

use super::{Check, Command, Finding, advisories, images, packages, probe, sessions};
use crate::context::Context;
use crate::error::Error;
use crate::podman::{Info, Machine};

/// The first version with `keep-id:uid=`, which rootless sessions use.
const WANTED: (u32, u32) = (4, 3);
/// Free space, in bytes, below which builds begin to fail, and below which sessions do.
const LITTLE: u64 = 5 << 30;
const NO_SPACE: u64 = 1 << 30;
/// What is left unknown without a podman that answers.
const DEPENDENT: [Check; 7] = [
    Check::Container,
    Check::StorageDriver,
    Check::Disk,
    Check::Images,
    Check::Sessions,
    Check::Leftovers,
    Check::Advisories,
];

/// Everything that is asked of podman.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    let (mut all, info) = answering(ctx);
    let Some(info) = info else {
        let because = "podman does not answer";
        all.extend(DEPENDENT.iter().map(|check| Finding::unknown(*check, because)));
        return all;
    };
    thread::scope(|scope| {
        let probe = scope.spawn(|| probe::check(ctx));
        let sessions = scope.spawn(|| sessions::check(ctx));
        all.extend(storage(ctx, &info));
        all.extend(images::check(ctx));
        all.extend(advisories::check(&info));
        for (check, thread) in [(Check::Container, probe), (Check::Sessions, sessions)] {
            let lost = |_| vec![Finding::unknown(check, "a thread panicked")];
            all.extend(thread.join().unwrap_or_else(lost));
        }
    });
    all
}

/// Why no container starts: podman, its storage, the probe.
pub(super) fn check_starting(ctx: &Context) -> Vec<Finding> {
    let (mut all, info) = answering(ctx);
    if let Some(info) = info {
        all.extend(storage(ctx, &info));
        all.extend(probe::check(ctx));
    }
    all
}

/// Whether podman is there and answers; what it says of itself.
fn answering(ctx: &Context) -> (Vec<Finding>, Option<Info>) {
    let version = match ctx.podman.version() {
        Ok(version) => version,
        Err(error) => return (vec![failed(ctx, &error)], None),
    };
    let mut all = vec![of_version(ctx, &version)];
    let machine = ctx.podman.machines().map(|machines| machine(&machines));
    let stands = machine.as_ref().is_none_or(|machine| machine.verdict == super::Verdict::Ok);
    all.extend(machine);
    if !stands {
        return (all, None);
    }
    match ctx.podman.info() {
        Ok(info) => (all, Some(info)),
        Err(error) => (vec![failed(ctx, &error)], None),
    }
}

fn of_version(ctx: &Context, text: &str) -> Finding {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let found = format!("podman {text}");
    let upgrade = packages::install(ctx, "podman", &[]);
    match version {
        (0..4, _) => Finding::failed(Check::Podman, found)
            .meaning("sessions need podman 4.3; 4.0 does for root")
            .mend(upgrade),
        version if version < WANTED => Finding::warning(Check::Podman, found)
            .meaning("rootless sessions need podman 4.3, which maps the agent's user to you")
            .mend(upgrade),
        _ => Finding::ok(Check::Podman, found),
    }
}

fn failed(ctx: &Context, error: &Error) -> Finding {
    let finding = Finding::failed(Check::Podman, error.to_string());
    match error {
        Error::PodmanMissing => finding
            .meaning("sessions are podman containers")
            .mend(packages::install(ctx, "podman", &[])),
        Error::PodmanTimeout { .. } => finding
            .meaning("podman hangs: another process holds its lock, or its storage does not answer")
            .manual("ps -ef | grep podman"),
        // Every command of a rootless podman joins the namespace of one process; where that was
        // killed and its note stayed, none works any more.
        Error::PodmanUnreachable { remote: false, .. } if !rustix::process::geteuid().is_root() => {
            finding
                .meaning(
                    "podman cannot enter its own user namespace, or read its own storage; what \
                     mends it stops the sessions that run, and keeps their homes",
                )
                .mend(vec![Command::new(&["podman", "system", "migrate"])])
        }
        Error::PodmanUnreachable { remote: true, .. } => finding
            .meaning("podman runs elsewhere and cannot be reached")
            .manual("podman system connection list"),
        _ => finding.meaning("no session can be asked for").manual("podman info"),
    }
}

/// The virtual machine that podman needs where there is no Linux.
fn machine(machines: &[Machine]) -> Finding {
    let check = Check::PodmanMachine;
    let start = Command::new(&["podman", "machine", "start"]);
    match machines {
        [] => Finding::failed(check, "there is no podman machine")
            .meaning("containers run in a small virtual machine here, which has to be made once")
            .mend(vec![Command::new(&["podman", "machine", "init"]), start]),
        all if all.iter().any(|machine| machine.running) => Finding::ok(check, "it runs"),
        [one, ..] => Finding::failed(check, format!("the podman machine {} is stopped", one.name))
            .meaning("containers run in it")
            .mend(vec![start]),
    }
}

fn storage(ctx: &Context, info: &Info) -> Vec<Finding> {
    vec![driver(ctx, info), disk(Path::new(&info.store.root))]
}

/// Podman takes vfs where nothing is configured and it is unsure of the kernel. It can be changed
/// while the store is empty.
fn driver(ctx: &Context, info: &Info) -> Finding {
    let driver = &info.store.driver;
    if driver != "vfs" {
        return Finding::ok(Check::StorageDriver, driver.clone());
    }
    let finding =
        Finding::warning(Check::StorageDriver, "podman stores images with the driver vfs").meaning(
            "every layer is a full copy: images take many times their size, and a start takes long",
        );
    let reset = ["podman", "system", "reset", "--force"];
    let file = super::podmans_file(ctx, "storage.conf");
    let is_empty = info.store.containers.number + info.store.images.number == 0
        && ctx.podman.volumes(&[]).is_ok_and(|volumes| volumes.is_empty());
    if is_empty && !file.exists() {
        let lines = "[storage]\\ndriver = \"overlay\"\\n";
        return finding.mend(vec![Command::new(&reset), Command::write(&file, lines)]);
    }
    let reset = reset.join(" ");
    finding.manual(format!(
        "{reset}   # removes all of podman's, for driver = \"overlay\" in {}",
        file.display()
    ))
}

fn disk(store: &Path) -> Finding {
    let Ok(stat) = rustix::fs::statvfs(store) else {
        // It is elsewhere, or is made by the first pull.
        return Finding::unknown(Check::Disk, "podman's storage cannot be seen from here");
    };
    let free = stat.f_bavail * stat.f_frsize;
    let found = format!("{} MB free for {}", free / 1_000_000, store.display());
    let prune = Command::new(&["podman", "image", "prune", "--force"]);
    match free {
        0..NO_SPACE => Finding::failed(Check::Disk, found)
            .meaning("images cannot be built, and sessions cannot save their work")
            .mend(vec![prune]),
        NO_SPACE..LITTLE => Finding::warning(Check::Disk, found)
            .meaning("the images of all agents need about 2 GB, building them twice that")
            .mend(vec![prune]),
        _ => Finding::ok(Check::Disk, found),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    /// `podman machine list --format json` of podman 5 on macOS, as its documentation has it.
    const MACHINES: &str = r#"[{"Name": "podman-machine-default", "Default": true,
        "Created": "2026-01-02T10:00:00.0+01:00", "Running": false, "Starting": false,
        "LastUp": "2026-01-02T10:05:00.0+01:00", "Stream": "default", "VMType": "applehv",
        "CPUs": 4, "Memory": "2147483648", "DiskSize": "107374182400", "Port": 49152,
        "RemoteUsername": "core", "IdentityPath": "/Users/ada/.local/share/containers/podman/machine/machine",
        "UserModeNetworking": true}]"#;

    #[test]
    fn a_machine_that_is_stopped_or_missing_is_started_or_made() {
        let machines: Vec<Machine> = serde_json::from_str(MACHINES).unwrap();
        let shown = |machines: &[Machine]| machine(machines).mend.shown().unwrap();
        assert_eq!(shown(&machines), "podman machine start");
        assert_eq!(shown(&[]), "podman machine init && podman machine start");
        let running = MACHINES.replace("\"Running\": false", "\"Running\": true");
        let machines: Vec<Machine> = serde_json::from_str(&running).unwrap();
        assert_eq!(machine(&machines).verdict, Verdict::Ok);
    }
}
