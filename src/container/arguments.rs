//! What `podman run` is told of a session.

use std::num::NonZeroU32;

use crate::agent::Agent;
use crate::context::Context;
use crate::credentials;
use crate::error::{Error, Result};
use crate::host;
use crate::mount;
use crate::session::{Limits, SessionName, Spec};

const HOME: &str = "/home/agent";
/// The container's own process, which lets all others end in order.
const MAIN: &str = "/usr/lib/agent-session/main";
/// The most processes of a session.
const PIDS: u32 = 2048;

/// The arguments that make a session's container, with all its defaults.
pub(super) fn arguments(
    ctx: &Context,
    name: &SessionName,
    spec: &Spec,
    agent: &Agent,
) -> Result<Vec<String>> {
    let rootless = ctx.podman.is_rootless()?;
    let container = name.container();
    let mut args = vec![
        format!("--name={container}"),
        format!("--hostname={}", name.as_str().replace(['_', '.'], "-").trim_end_matches('-')),
        "--init".into(),
        "--cap-drop=all".into(),
        "--security-opt=no-new-privileges".into(),
        "--user=1000:1000".into(),
        format!("--volume={container}:{HOME}"),
    ];
    args.extend(identity(rootless));
    args.extend(limits(ctx, rootless, &spec.limits));
    args.extend(spec.labels(name).iter().map(|(key, value)| format!("--label={key}={value}")));
    let relabel = host::selinux_enforces();
    args.extend(spec.mounts.iter().map(|mount| format!("--mount={}", mount.argument(relabel))));
    let workdir = spec.mounts.first().map_or(mount::WORKSPACE, |mount| &mount.target);
    args.push(format!("--workdir={workdir}"));
    args.extend(environment(ctx, name, spec, agent)?);
    for variable in spec.secrets.keys() {
        let secret = format!("{}{variable}", name.secret_prefix());
        args.push(format!("--secret={secret},type=mount,target={variable},uid=1000,mode=0400"));
    }
    args.extend([spec.image_id.clone(), MAIN.to_owned()]);
    Ok(args)
}

/// Makes the user inside, 1000, the one who runs this program. Rootless podman has a name for it;
/// as root the same map is written out: 1000 is the host's root, who has no capability inside.
pub(crate) fn identity(rootless: bool) -> Vec<String> {
    if rootless {
        return vec!["--userns=keep-id:uid=1000,gid=1000".into()];
    }
    let ranges = ["1000:0:1", "0:1:1000", "1001:1001:64535"];
    let maps =
        ranges.iter().flat_map(|range| [format!("--uidmap={range}"), format!("--gidmap={range}")]);
    maps.collect()
}

/// What was asked for, else this program's defaults; each only where the host can hold it.
fn limits(ctx: &Context, rootless: bool, asked: &Limits) -> Vec<String> {
    let pids = asked.pids.map_or(PIDS, NonZeroU32::get);
    let host = if ctx.podman.is_remote() {
        // The virtual machine has all controllers, and memory that this host does not know.
        host::Limits { memory: None, pids: true, cpus: true }
    } else {
        host::limits(rootless)
    };
    let memory = asked.memory.clone().map(String::from);
    let can_memory = host.memory.is_some() || ctx.podman.is_remote();
    let memory = memory.or(host.memory.map(|bytes| format!("{bytes}b"))).filter(|_| can_memory);
    let cpus = asked.cpus.map(f64::from).filter(|_| host.cpus);
    let mut args = Vec::new();
    args.extend(host.pids.then(|| format!("--pids-limit={pids}")));
    args.extend(memory.map(|memory| format!("--memory={memory}")));
    args.extend(cpus.map(|cpus| format!("--cpus={cpus}")));
    if !can_memory || !host.pids || (asked.cpus.is_some() && !host.cpus) {
        ctx.note("this host does not let podman limit all of a session's memory, processes and processors");
    }
    args
}

fn environment(
    ctx: &Context,
    name: &SessionName,
    spec: &Spec,
    agent: &Agent,
) -> Result<Vec<String>> {
    let definition = &agent.definition;
    let json = |words: &[String]| serde_json::to_string(words).unwrap_or_default();
    let with_args = |command: &[String]| match command {
        [] => String::new(),
        command => json(&[command, &spec.args].concat()),
    };
    let mut pairs = vec![
        ("AGENT_SESSION".to_owned(), name.to_string()),
        ("AGENT_SESSION_AGENT".into(), agent.name.clone()),
        ("AGENT_SESSION_PROJECTS".into(), mount::projects(&spec.mounts).join("\n")),
        ("AGENT_SESSION_COMMAND".into(), with_args(&definition.command)),
        ("AGENT_SESSION_RESUME".into(), with_args(&definition.resume)),
        ("AGENT_SESSION_RESUME_WHEN".into(), definition.resume_when.clone()),
        ("AGENT_SESSION_SEED".into(), credentials::seed(ctx, agent).to_string()),
    ];
    for entry in &spec.env {
        pairs.push(env_pair(ctx, entry)?);
    }
    Ok(pairs.into_iter().map(|(key, value)| format!("--env={key}={value}")).collect())
}

/// `NAME=VALUE`, or `NAME` for the host's value of it.
///
/// # Errors
/// [`Error::InvalidEnv`].
pub fn env_pair(ctx: &Context, entry: &str) -> Result<(String, String)> {
    let (key, value) = match entry.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (entry, None),
    };
    let refuse = |why: &str| Error::InvalidEnv {
        message: format!("invalid --env '{}': {why}", key.escape_debug()),
    };
    let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(refuse("a variable's name has letters, digits and '_' only"));
    }
    if key.starts_with("AGENT_SESSION") {
        return Err(refuse("names that begin with AGENT_SESSION are agent-session's own"));
    }
    match value {
        Some(value) => Ok((key.into(), value.into())),
        None => ctx
            .text_var(key)?
            .map(|value| (key.into(), value.into()))
            .ok_or_else(|| refuse("it is not set here; give a value with NAME=VALUE")),
    }
}
