//! `agent-session agents`

use crate::agent::{self, Agent, Broken, Source};
use crate::commands::Outcome;
use crate::context::Context;
use crate::error::Result;
use crate::image;
use crate::podman::Image;
use crate::report::{AgentReport, Report};

const EXAMPLES: &str = "\
Examples:
  List the agents:
    $ agent-session agents
  The names of those whose image is built:
    $ agent-session agents --json | jq -r '.[] | select(.ready).name'
    > agent-session agents | where ready | get name";

/// The arguments of `agents`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {}

/// Lists the agents; one whose definition is broken is listed with what is wrong with it.
///
/// # Errors
/// Those of a query to podman; [`crate::error::Error::Io`].
pub fn run(ctx: &Context, _args: &Args) -> Result<Outcome> {
    let (agents, broken) = agent::all(ctx)?;
    let images = image::all(ctx)?;
    let sound: Result<Vec<_>> = agents.iter().map(|agent| report(&images, agent)).collect();
    let broken = broken.iter().map(|broken| report_broken(&images, broken));
    Ok(Report::Agents(sound?.into_iter().chain(broken).collect()).into())
}

fn report(images: &[Image], agent: &Agent) -> Result<AgentReport> {
    let image = image::find(images, &agent.name);
    let folder = match &agent.source {
        Source::BuiltIn => None,
        Source::User(folder) => Some(folder.display().to_string()),
    };
    Ok(AgentReport {
        title: Some(agent.definition.title.clone()),
        description: Some(agent.definition.description.clone()),
        outdated: image.map(|image| image::is_outdated(image, agent)).transpose()?.unwrap_or(false),
        folder,
        ..of_image(&agent.name, image)
    })
}

fn report_broken(images: &[Image], broken: &Broken) -> AgentReport {
    let error = Some(broken.error.to_string());
    AgentReport { error, ..of_image(&broken.name, image::find(images, &broken.name)) }
}

fn of_image(name: &str, image: Option<&Image>) -> AgentReport {
    AgentReport {
        name: name.into(),
        title: None,
        description: None,
        ready: image.is_some(),
        outdated: false,
        image: image::reference(name),
        image_id: image.map(|image| image.id.clone()),
        size_bytes: image.map(|image| image.size),
        folder: None,
        error: None,
    }
}
