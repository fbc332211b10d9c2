//! A container in the form that sessions have, and why it does not start: it is started in other
//! ways until it does, and each way that is needed is a reason.

use rustix::process::{Resource, getrlimit};

use super::{Check, Command, Finding, packages};
use crate::container;
use crate::context::Context;
use crate::error::Result;
use crate::podman::Probe;

/// Where the program for `--init` is in the packages of distributions.
const INITS: [&str; 5] = [
    "/usr/libexec/podman/catatonit",
    "/usr/local/libexec/podman/catatonit",
    "/usr/local/lib/podman/catatonit",
    "/usr/lib/podman/catatonit",
    "/usr/bin/catatonit",
];
/// What podman asks for where nothing is configured is more than some may have; agents need less.
const FILES: u64 = 65_536;
const PROCESSES: u64 = 32_768;

/// Another way to start a container, and how it becomes the way.
struct Remedy {
    check: Check,
    found: &'static str,
    meaning: &'static str,
    /// Options of podman's own, and of `podman run`.
    options: (Vec<String>, Vec<String>),
    /// The lines of `containers.conf`.
    lines: Vec<String>,
}

/// Starts a container; where it does not start, finds out why.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    examine(ctx).unwrap_or_else(|error| {
        vec![
            Finding::failed(Check::Container, error.to_string())
                .meaning("no container can be made to find out why")
                .manual("podman info"),
        ]
    })
}

fn examine(ctx: &Context) -> Result<Vec<Finding>> {
    let identity = container::identity(ctx.podman.is_rootless()?);
    let probe = ctx.podman.probe(identity)?;
    let Err(words) = probe.run(&[], &[])? else {
        return Ok(vec![Finding::ok(Check::Container, "one starts"), network(ctx, &probe)?]);
    };
    let remedies = remedies();
    let needed = needed(&probe, remedies.iter().collect())?;
    let mut all: Vec<_> = needed.iter().map(|remedy| finding(ctx, remedy)).collect();
    if all.is_empty() {
        all.push(unexplained(ctx, &words));
    }
    Ok(all)
}

/// The remedies without which it does not start; none where all together do not help.
fn needed<'a>(probe: &Probe<'_>, mut kept: Vec<&'a Remedy>) -> Result<Vec<&'a Remedy>> {
    if start(probe, &kept)?.is_err() {
        return Ok(Vec::new());
    }
    let mut index = 0;
    while index < kept.len() {
        let mut fewer = kept.clone();
        fewer.remove(index);
        if start(probe, &fewer)?.is_ok() { kept = fewer } else { index += 1 }
    }
    Ok(kept)
}

fn start(probe: &Probe<'_>, remedies: &[&Remedy]) -> Result<std::result::Result<(), String>> {
    let own: Vec<_> = remedies.iter().flat_map(|remedy| remedy.options.0.clone()).collect();
    let run: Vec<_> = remedies.iter().flat_map(|remedy| remedy.options.1.clone()).collect();
    probe.run(&own, &run)
}

fn remedies() -> Vec<Remedy> {
    let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let (files, processes) = (limit(Resource::Nofile, FILES), limit(Resource::Nproc, PROCESSES));
    vec![
        Remedy {
            check: Check::CgroupManager,
            found: "a container starts with the cgroup manager cgroupfs only",
            meaning: "podman asks systemd for cgroups, and there is none that answers",
            options: (strings(&["--cgroup-manager=cgroupfs"]), Vec::new()),
            lines: strings(&[
                "[engine]",
                "cgroup_manager = \"cgroupfs\"",
                "events_logger = \"file\"",
            ]),
        },
        Remedy {
            check: Check::Runtime,
            found: "a container starts with runc only",
            meaning: "the runtime that podman chooses does not work with this kernel's cgroups",
            options: (strings(&["--runtime=runc"]), Vec::new()),
            lines: strings(&["[engine]", "runtime = \"runc\""]),
        },
        Remedy {
            check: Check::Ulimits,
            found: "a container starts with lower limits only",
            meaning: "podman's default limits are above what this user may set",
            options: (
                Vec::new(),
                vec![format!("--ulimit={files}"), format!("--ulimit={processes}")],
            ),
            lines: vec![
                "[containers]".into(),
                format!("default_ulimits = [\"{files}\", \"{processes}\"]"),
            ],
        },
    ]
}

/// A limit that this process may set: its own hard one, where that is less.
fn limit(resource: Resource, most: u64) -> String {
    let name = if matches!(resource, Resource::Nofile) { "nofile" } else { "nproc" };
    let value = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
    format!("{name}={value}:{value}")
}

fn finding(ctx: &Context, remedy: &Remedy) -> Finding {
    let finding = Finding::failed(remedy.check, remedy.found).meaning(remedy.meaning);
    if let Some(file) = ctx.var("CONTAINERS_CONF") {
        let lines = remedy.lines.join("; ");
        return finding.manual(format!("$EDITOR {}   # {lines}", file.to_string_lossy()));
    }
    let mut commands = Vec::new();
    if remedy.check == Check::Runtime && ctx.programs.find("runc").is_none() {
        commands.extend(packages::install(ctx, "runc", &[]));
    }
    commands.push(write(ctx, remedy));
    finding.mend(commands)
}

/// The command that writes a file of its own beside `containers.conf`.
fn write(ctx: &Context, remedy: &Remedy) -> Command {
    let name = format!("containers.conf.d/agent-session-{}.conf", super::code(remedy.check));
    Command::write(&super::podmans_file(ctx, &name), &(remedy.lines.join("\\n") + "\\n"))
}

/// A network is made by other programs than a container.
fn network(ctx: &Context, probe: &Probe<'_>) -> Result<Finding> {
    let Err(words) = probe.run_with_network()? else {
        return Ok(Finding::ok(Check::Network, "a container has one"));
    };
    let finding = Finding::failed(Check::Network, last_line(&words))
        .meaning("a container starts without a network only, and agents need one");
    let root = !ctx.podman.is_rootless()?;
    let missing = |name: &&str| ctx.programs.find(name).is_none();
    let wanted: &[&str] = if root { &["iptables"] } else { &["slirp4netns"] };
    Ok(match wanted.iter().find(|name| missing(name)) {
        Some(name) => finding.mend(packages::install(ctx, name, &[])),
        None => finding.manual("podman network ls; podman info"),
    })
}

fn unexplained(ctx: &Context, words: &str) -> Finding {
    if !ctx.podman.is_remote() && !INITS.iter().any(|file| std::fs::exists(file).unwrap_or(false)) {
        return Finding::failed(Check::Init, "catatonit is not installed")
            .meaning("podman needs it to end a container's processes in time (--init)")
            .mend(packages::install(ctx, "catatonit", &[]));
    }
    Finding::failed(Check::Container, last_line(words))
        .meaning("podman answers, but no container starts; what else failed here may be why")
        .manual("podman info --debug")
}

fn last_line(text: &str) -> String {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("podman gave no reason").trim_start_matches("Error: ").to_owned()
}
