//! Sessions that are not whole, and what a crash left behind.

use super::{Check, Command, Finding};
use crate::commands::inspect;
use crate::container;
use crate::context::Context;
use crate::error::Result;
use crate::session::{self, Session, SessionName, Status};

/// The terminal server, as it is seen among a container's processes.
const SERVER: &str = "zellij --server";

/// Checks every session, and what looks like one but is not.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    match examine(ctx) {
        Ok(all) => all,
        Err(error) => {
            vec![Finding::failed(Check::Sessions, error.to_string()).manual(error.hint())]
        }
    }
}

fn examine(ctx: &Context) -> Result<Vec<Finding>> {
    let sessions = session::all(ctx)?;
    let mut all: Vec<_> = sessions.iter().filter_map(|session| of_session(ctx, session)).collect();
    if all.is_empty() {
        all.push(Finding::ok(Check::Sessions, format!("{} of {0} are whole", sessions.len())));
    }
    let left: Vec<_> = [reserved(ctx, &sessions)?, secrets(ctx, &sessions)?].concat();
    if left.is_empty() {
        all.push(Finding::ok(Check::Leftovers, "nothing"));
    }
    all.extend(left);
    Ok(all)
}

fn of_session(ctx: &Context, session: &Session) -> Option<Finding> {
    let name = &session.name;
    let mut problems = inspect::problems(session, None);
    let lost_server = session.status() == Status::Running && !has_server(ctx, session);
    if lost_server {
        problems.push("its terminal server is gone".into());
    }
    if problems.is_empty() {
        return None;
    }
    let finding = Finding::warning(Check::Sessions, format!("'{name}': {}", problems.join("; ")))
        .meaning("its home, with the conversation, is kept");
    let is_moved = container::check_mounts(name, &session.spec).is_err();
    Some(match (lost_server, is_moved || session.foreign_schema.is_some()) {
        (_, true) => finding.manual(format!("agent-session inspect {name}")),
        (true, false) => finding.mend(vec![Command::new(&[
            "agent-session",
            "restart",
            "--detach",
            name.as_str(),
        ])]),
        // It would start an agent that nobody asked for.
        (false, false) => finding.manual(format!("agent-session restart {name}")),
    })
}

/// Where podman cannot tell, that is no finding about the session.
fn has_server(ctx: &Context, session: &Session) -> bool {
    let processes = ctx.podman.processes(&session.name.container());
    processes.map_or(true, |all| all.iter().any(|line| line.contains(SERVER)))
}

/// Names of containers that podman holds, but has no container for: their `create` was killed.
fn reserved(ctx: &Context, sessions: &[Session]) -> Result<Vec<Finding>> {
    let listed = ctx.podman.containers(&["name=^agent-session-".into()])?;
    let listed: Vec<_> = listed.iter().flat_map(|container| &container.names).collect();
    let known = |name: &String| sessions.iter().any(|session| session.name.container() == *name);
    let names = ctx.podman.reserved_names()?;
    let left = names.into_iter().filter(|name| {
        name.starts_with(SessionName::CONTAINERS) && !listed.contains(&name) && !known(name)
    });
    Ok(left
        .map(|name| {
            Finding::warning(Check::Leftovers, format!("the name {name} is reserved"))
                .meaning("podman was killed when it made this container; a start removes it too")
                .mend(vec![Command::new(&["podman", "rm", "--force", &name])])
        })
        .collect())
}

/// Secrets of sessions that there are no more.
fn secrets(ctx: &Context, sessions: &[Session]) -> Result<Vec<Finding>> {
    let known = |name: &String| {
        sessions.iter().any(|session| name.starts_with(&session.name.secret_prefix()))
    };
    let left = ctx
        .podman
        .secrets()?
        .into_iter()
        .filter(|name| name.starts_with(SessionName::SECRETS) && !known(name));
    Ok(left
        .map(|name| {
            Finding::warning(Check::Leftovers, format!("the secret {name} is of no session"))
                .meaning("a removal was interrupted; the key is still in podman's store")
                .mend(vec![Command::new(&["podman", "secret", "rm", &name])])
        })
        .collect())
}
