//! Which agent can log in, and by what.

use super::{Check, Command, Finding};
use crate::agent::{self, Agent};
use crate::context::Context;
use crate::credentials::{self, Origin};

/// Checks the keys of every agent that can log in by one.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    let agents = agent::all(ctx).map(|(agents, _)| agents).unwrap_or_default();
    let with_keys = agents.iter().filter(|agent| !agent.definition.credentials.is_empty());
    with_keys.flat_map(|agent| of_agent(ctx, agent)).collect()
}

fn of_agent(ctx: &Context, agent: &Agent) -> Vec<Finding> {
    let check = Check::Credentials;
    let name = &agent.name;
    let mut all = Vec::new();
    let mut found = Vec::new();
    for origin in credentials::origins(ctx, agent) {
        match origin {
            Origin::Variable(variable) => found.push(variable),
            Origin::File { path, readable_by_others } => {
                let shown = path.to_string_lossy().into_owned();
                if readable_by_others {
                    all.push(
                        Finding::warning(check, format!("{shown} can be read by others"))
                            .meaning(format!("it holds a key of {name}"))
                            .mend(vec![Command::new(&["chmod", "600", &shown])]),
                    );
                }
                found.push(shown);
            }
            Origin::Unusable { path, reason } => all.push(
                Finding::warning(check, reason)
                    .meaning(format!("{name} starts without it, and asks for a login"))
                    .manual(format!("jq . {}", crate::error::shell_quote(&path.to_string_lossy()))),
            ),
        }
    }
    all.push(if found.is_empty() {
        let names = agent.definition.credentials.iter().map(|credential| credential.env.as_str());
        let names: Vec<_> = names.take(2).collect();
        Finding::note(check, format!("{name} has no key here"))
            .meaning("log in inside the session")
            .manual(format!("export {}=…", names[0]))
    } else {
        Finding::ok(check, format!("{name} logs in by {}", found.join(", ")))
    });
    all
}
