//! `agent-session build`

use std::path::{Path, PathBuf};

use clap_complete::ArgValueCandidates;

use crate::agent::{self, Agent};
use crate::commands::Outcome;
use crate::complete;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::image::{self, Built, Options};
use crate::report::{BuildReport, OneOrMany, Report};

const EXAMPLES: &str = "\
Examples:
  Build the image of Claude Code:
    $ agent-session build claude
  Build every agent's image:
    $ agent-session build --all
  The same with a Zellij program of your own:
    $ agent-session build --zellij ./zellij shell";

/// The arguments of `build`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Names of the agents [default: claude]
    #[arg(value_name = "AGENT", add = ArgValueCandidates::new(complete::agents))]
    pub agents: Vec<String>,
    /// Build every agent's image
    #[arg(long, conflicts_with = "agents")]
    pub all: bool,
    /// Do every step again
    #[arg(long)]
    pub no_cache: bool,
    /// Stand on this image in place of Debian's
    #[arg(long, value_name = "IMAGE")]
    pub base: Option<String>,
    /// Install this Zellij program in place of the pinned release
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub zellij: Option<PathBuf>,
}

/// Builds images. What was there before stays until the new one is whole.
///
/// # Errors
/// [`Error::AgentNotFound`], [`Error::InvalidConfig`], [`Error::PathNotFound`],
/// [`Error::BuildFailed`].
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let agents = chosen(ctx, args)?;
    let options = Options {
        no_cache: args.no_cache,
        base: args.base.clone(),
        zellij: args.zellij.as_ref().map(|file| program(ctx, file)).transpose()?,
    };
    image::ensure_base(ctx, &options)?;
    let reports: Result<Vec<_>> = agents
        .iter()
        .map(|agent| Ok(report(agent, image::build(ctx, agent, options.no_cache)?)))
        .collect();
    let many = args.all || args.agents.len() > 1;
    Ok(Report::Built(OneOrMany::new(reports?, many)).into())
}

fn chosen(ctx: &Context, args: &Args) -> Result<Vec<Agent>> {
    if args.all {
        let (agents, broken) = agent::all(ctx)?;
        return match broken.into_iter().next() {
            Some(broken) => Err(broken.error),
            None => Ok(agents),
        };
    }
    if args.agents.is_empty() {
        return Ok(vec![agent::get(ctx, agent::DEFAULT)?]);
    }
    args.agents.iter().map(|name| agent::get(ctx, name)).collect()
}

fn program(ctx: &Context, file: &Path) -> Result<PathBuf> {
    let path = ctx.absolute(file);
    if path.is_file() { Ok(path) } else { Err(Error::PathNotFound { path, variable: None }) }
}

fn report(agent: &Agent, built: Built) -> BuildReport {
    BuildReport {
        agent: agent.name.clone(),
        image: image::reference(&agent.name),
        image_id: built.image.id,
        size_bytes: built.image.size,
        duration_ns: i64::try_from(built.duration.as_nanos()).unwrap_or(i64::MAX),
        versions: built.versions,
    }
}
