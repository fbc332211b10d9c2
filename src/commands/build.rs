//! `agent-session build`

use std::path::{Path, PathBuf};

use clap_complete::ArgValueCandidates;

use crate::agent::{self, Agent};
use crate::commands::Outcome;
use crate::complete;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::image::{self, Built, Choice, Options};
use crate::report::{BuildReport, OneOrMany, Report};

const EXAMPLES: &str = "\
Examples:
  Build the image of Claude Code:
    $ agent-session build claude
  Build every agent's image:
    $ agent-session build --all
  The same with a Zellij program of your own:
    $ agent-session build --zellij ./zellij shell
  The same on an image of your own, which must have apt:
    $ agent-session build --zellij ./zellij --base docker.io/library/debian:trixie-slim shell

What is fetched, and what is done where that cannot be:
  Debian's image    from its registry, else made of Debian's packages (mmdebstrap, debootstrap)
  Zellij            its release, else built by cargo on this machine and kept for the next build
  certificates      those that an administrator added to this machine, and the files in
                    ~/.config/agent-session/ca-certificates
  proxies           HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment";

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
    /// Trust the CA certificates in this file (PEM or DER) besides the host's own additions; 'none'
    /// trusts neither
    #[arg(long, value_name = "FILE|none")]
    pub ca_certs: Option<PathBuf>,
}

/// Builds images. What was there before stays until the new one is whole.
///
/// # Errors
/// [`Error::AgentNotFound`], [`Error::InvalidConfig`], [`Error::PathNotFound`],
/// [`Error::BuildFailed`], [`Error::BaseUnavailable`], [`Error::ZellijUnavailable`].
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let agents = chosen(ctx, args)?;
    let options = Options {
        no_cache: args.no_cache,
        base: args.base.clone(),
        zellij: args.zellij.as_ref().map(|path| file(ctx, path)).transpose()?,
        certificates: certificates(ctx, args.ca_certs.as_deref())?,
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

fn certificates(ctx: &Context, given: Option<&Path>) -> Result<Choice> {
    match given {
        None => Ok(Choice::Host),
        Some(path) if path == "none" => Ok(Choice::None),
        Some(path) => Ok(Choice::File(file(ctx, path)?)),
    }
}

fn file(ctx: &Context, path: &Path) -> Result<PathBuf> {
    let path = ctx.absolute(path);
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
        sources: built.sources,
    }
}
