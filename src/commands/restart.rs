//! `agent-session restart`

use clap_complete::ArgValueCandidates;

use crate::commands::{Outcome, meant, start};
use crate::complete;
use crate::context::Context;
use crate::error::Result;
use crate::image::Tags;
use crate::lock::SessionLock;
use crate::recovery;
use crate::report::Report;
use crate::session;

const EXAMPLES: &str = "\
Examples:
  Go on with the session \"default\":
    $ agent-session restart
  Go on with another, in the background:
    $ agent-session restart -d frontend";

/// The arguments of `restart`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Name of the session [default: the project's, or default]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::sessions))]
    pub name: Option<String>,
    /// Do not attach
    #[arg(short, long)]
    pub detach: bool,
}

/// Starts a stopped session; one that runs is only attached.
///
/// # Errors
/// [`crate::error::Error::SessionNotFound`]; those of `start`.
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let name = meant(ctx, args.name.as_deref(), false)?.name;
    let _lock = SessionLock::take(ctx, &name)?;
    let tags = Tags::read(ctx, None)?;
    let found = recovery::bring_back(ctx, &session::get_with(ctx, &name, &tags)?)?;
    start::finish(ctx, name, found, &tags, args.detach, Report::Restarted)
}
