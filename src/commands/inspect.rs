//! `agent-session inspect`

use std::collections::BTreeMap;

use clap_complete::ArgValueCandidates;

use crate::commands::{Outcome, meant};
use crate::complete;
use crate::container;
use crate::context::Context;
use crate::error::Result;
use crate::podman::{ContainerState, Details};
use crate::report::{InspectReport, LimitsReport, PolicyReport, Report, SessionReport};
use crate::session::{self, Session};

const EXAMPLES: &str = "\
Examples:
  Show everything about the session \"frontend\":
    $ agent-session inspect frontend
  What it mounts:
    $ agent-session inspect frontend --json | jq .mounts
    > agent-session inspect frontend | get mounts";

/// The arguments of `inspect`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Name of the session [default: the project's, or default]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::sessions))]
    pub name: Option<String>,
}

/// Shows everything about one session, and what is wrong with it.
///
/// # Errors
/// [`crate::error::Error::SessionNotFound`]; those of a query to podman.
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let session = session::get(ctx, &meant(ctx, args.name.as_deref(), false)?.name)?;
    let details = match &session.container {
        Some(container) => Some(ctx.podman.details(&container.id)?),
        None => None,
    };
    let names = session.spec.env.iter().map(|entry| entry.split('=').next().unwrap_or(entry));
    let labels = session.container.as_ref().map(|container| container.labels.clone());
    let volume = volume(ctx, &session)?;
    let mut problems = problems(&session, details.as_ref());
    if volume.is_none() {
        problems.push("the home volume is gone".into());
    }
    Ok(Report::Inspection(Box::new(InspectReport {
        session: SessionReport::new(ctx, &session),
        agent_args: session.spec.args.clone(),
        environment: names.map(Into::into).collect(),
        secrets: session.spec.secrets.keys().cloned().collect(),
        volume,
        limits: details.as_ref().map(limits),
        policy: details.as_ref().map(policy),
        versions: versions(&session),
        labels: public(labels.unwrap_or_else(|| session.spec.labels(&session.name))),
        problems,
    }))
    .into())
}

/// The name of the home volume, where podman has it.
fn volume(ctx: &Context, session: &Session) -> Result<Option<String>> {
    let name = session.name.container();
    let volumes = ctx.podman.volumes(&[session::with_name(&session.name)])?;
    Ok(volumes.into_iter().map(|volume| volume.name).find(|found| *found == name))
}

/// The labels without the values that were given with `--env`: they may be secrets.
fn public(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.remove("io.agent-session.env");
    labels
}

fn limits(details: &Details) -> LimitsReport {
    let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    LimitsReport {
        memory_bytes: positive(details.host_config.memory),
        pids: positive(details.host_config.pids_limit),
    }
}

fn policy(details: &Details) -> PolicyReport {
    let host = &details.host_config;
    PolicyReport {
        network: host.network_mode.clone(),
        user_namespace: host.userns_mode.clone(),
        capabilities_dropped: host.cap_drop.clone(),
        no_new_privileges: host.security_opt.iter().any(|option| option == "no-new-privileges"),
        privileged: host.privileged,
    }
}

fn versions(session: &Session) -> BTreeMap<String, String> {
    const PREFIX: &str = "io.agent-session.version.";
    let labels = session.container.iter().flat_map(|container| &container.labels);
    let built_from = labels
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?.to_owned(), value.clone())));
    let maker = ("agent_session".to_owned(), session.spec.version.clone());
    built_from.filter(|(key, _)| !key.contains("sha256")).chain([maker]).collect()
}

/// What is wrong with a session, a sentence each.
pub(crate) fn problems(session: &Session, details: Option<&Details>) -> Vec<String> {
    let mut problems = session.problems.clone();
    match session.container.as_ref().map(|container| container.state) {
        None => problems.push("the container is gone; start makes it anew".into()),
        Some(ContainerState::Stopping) => {
            problems
                .push("podman is stopping it, or has lost its monitor; start makes it anew".into());
        }
        Some(ContainerState::Unknown) => problems.push("podman does not know its state".into()),
        Some(_) => {}
    }
    if let Some(schema) = &session.foreign_schema {
        problems.push(format!("a newer agent-session made it (schema {schema})"));
    }
    problems.extend(
        container::check_mounts(&session.name, &session.spec).err().map(|error| error.to_string()),
    );
    if let Some(details) = details {
        if details.state.oom_killed {
            problems.push("it was killed for want of memory".into());
        }
        if !details.state.error.is_empty() {
            problems.push(details.state.error.clone());
        }
    }
    problems
}
