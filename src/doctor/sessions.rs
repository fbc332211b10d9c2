//! Sessions that are not whole, and what a crash left behind.

use super::{Check, Command, Finding};
use crate::commands::inspect;
use crate::container;
use crate::context::Context;
use crate::error::Result;
use crate::lock::SessionLock;
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
    // The sessions last: what is being made meanwhile is then known to be of one.
    let (names, secrets) = (ctx.podman.reserved_names()?, ctx.podman.secrets()?);
    let sessions = session::all(ctx)?;
    let mut all: Vec<_> = sessions.iter().filter_map(|session| of_session(ctx, session)).collect();
    if all.is_empty() {
        all.push(Finding::ok(Check::Sessions, format!("{} of {0} are whole", sessions.len())));
    }
    let left = [reserved(ctx, &sessions, &names)?, orphaned(ctx, &sessions, &secrets)].concat();
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
fn reserved(ctx: &Context, sessions: &[Session], names: &[String]) -> Result<Vec<Finding>> {
    let listed = ctx.podman.containers(&["name=^agent-session-".into()])?;
    let listed: Vec<_> = listed.iter().flat_map(|container| &container.names).collect();
    let left = names.iter().filter(|name| {
        let session = name.strip_prefix(SessionName::CONTAINERS);
        session.is_some_and(|session| is_left(ctx, sessions, session)) && !listed.contains(name)
    });
    let finding = |name: &String| {
        Finding::warning(Check::Leftovers, format!("the name {name} is reserved"))
            .meaning("podman was killed when it made this container; a start removes it too")
            .mend(vec![Command::new(&["podman", "rm", "--force", name])])
    };
    Ok(left.map(finding).collect())
}

/// Secrets of sessions that there are no more.
fn orphaned(ctx: &Context, sessions: &[Session], secrets: &[String]) -> Vec<Finding> {
    let left = secrets.iter().filter(|secret| {
        let session =
            secret.strip_prefix(SessionName::SECRETS).and_then(|rest| rest.rsplit_once('.'));
        session.is_some_and(|(session, _)| is_left(ctx, sessions, session))
    });
    let finding = |name: &String| {
        Finding::warning(Check::Leftovers, format!("the secret {name} is of no session"))
            .meaning("a removal was interrupted; the key is still in podman's store")
            .mend(vec![Command::new(&["podman", "secret", "rm", name])])
    };
    left.map(finding).collect()
}

/// Whether this names a session that is not there, and that nobody is making.
fn is_left(ctx: &Context, sessions: &[Session], name: &str) -> bool {
    SessionName::parse(name).is_ok_and(|name| {
        sessions.iter().all(|session| session.name != name) && !SessionLock::is_held(ctx, &name)
    })
}
