//! `agent-session deny`

use std::path::PathBuf;

use crate::commands::{Outcome, allow};
use crate::context::Context;
use crate::error::Result;
use crate::project;
use crate::report::{DenyReport, Report, Trust};
use crate::trust::Store;

const EXAMPLES: &str = "\
Examples:
  Ignore the file of the project around, without another word:
    $ agent-session deny
  Ignore the files of all projects below a directory:
    $ agent-session deny ~/downloads
  Take that back:
    $ agent-session allow ~/downloads";

/// The arguments of `deny`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// A directory [default: the project around]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub path: Option<PathBuf>,
}

/// Keeps the project files of a directory and all below it from having a say, now and later. It is
/// stronger than any `allow` below that directory.
///
/// # Errors
/// [`crate::error::Error::PathNotFound`], [`crate::error::Error::Io`].
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let given = allow::directory(ctx, args.path.as_deref())?;
    // A directory that is named is meant as it is.
    let around = args.path.is_none().then(|| project::root_above(&given)).flatten();
    let root = around.unwrap_or(given);
    Store::of(ctx).deny(&root)?;
    let project = root.to_string_lossy().into_owned();
    Ok(Report::Denied(DenyReport { project, trust: Trust::Denied }).into())
}
