//! Agents' images: built, and of this program's definitions.

use super::{Check, Finding};
use crate::agent::{self, Agent};
use crate::context::Context;
use crate::error::Result;
use crate::image;
use crate::podman::Image;

/// Checks the image of every agent.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    match examine(ctx) {
        Ok(all) => all,
        Err(error) => vec![Finding::warning(Check::Images, error.to_string()).manual(error.hint())],
    }
}

fn examine(ctx: &Context) -> Result<Vec<Finding>> {
    let (agents, broken) = agent::all(ctx)?;
    let images = image::all(ctx)?;
    let of_broken = |broken: agent::Broken| {
        Finding::warning(Check::Images, broken.error.to_string())
            .meaning("this agent cannot be used; the others can")
            .manual(broken.error.hint())
    };
    let sound: Result<Vec<_>> = agents.iter().map(|agent| of_agent(agent, &images)).collect();
    Ok(sound?.into_iter().chain(broken.into_iter().map(of_broken)).collect())
}

fn of_agent(agent: &Agent, images: &[Image]) -> Result<Finding> {
    let name = &agent.name;
    let build = format!("agent-session build {name}");
    let Some(image) = image::find(images, name) else {
        let finding = Finding::note(Check::Images, format!("{name} is not built"));
        return Ok(finding.meaning("start builds it when it is first used").manual(build));
    };
    if image::is_outdated(image, agent)? {
        let finding = Finding::warning(Check::Images, format!("{name} is of another definition"));
        return Ok(finding
            .meaning(
                "another version of agent-session built it; sessions work, without what is new",
            )
            .manual(build));
    }
    Ok(Finding::ok(Check::Images, format!("{name} is built")))
}
