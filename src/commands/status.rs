//! `agent-session status`

use crate::commands::Outcome;
use crate::context::Context;
use crate::error::Result;
use crate::glimpse::Files;
use crate::lock;
use crate::project::{self, Here, Project};
use crate::report::{Report, StatusReport, Trust};
use crate::session::{self, Session};

const EXAMPLES: &str = "\
Examples:
  The session of this directory's project, and its state:
    $ agent-session status
  The same in a few words for a prompt, without asking podman; nothing outside a project:
    $ agent-session status --prompt";

/// The arguments of `status`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Print a few words for a prompt, from files alone
    #[arg(long)]
    pub prompt: bool,
}

/// Tells the session of the project around, and its state.
///
/// # Errors
/// [`crate::error::Error::InvalidConfig`]; without `--prompt` those of a query to podman.
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let here = project::of(ctx, &ctx.cwd)?;
    let text = |root: &std::path::Path| Some(root.to_string_lossy().into_owned());
    let nothing = StatusReport { for_prompt: args.prompt, ..StatusReport::default() };
    let report = match here {
        Here::Nowhere => nothing,
        Here::Untrusted(root) => {
            StatusReport { project: text(&root), trust: Some(Trust::Untrusted), ..nothing }
        }
        Here::Denied(root) => {
            StatusReport { project: text(&root), trust: Some(Trust::Denied), ..nothing }
        }
        Here::Trusted(project) => {
            let report = of_project(ctx, &project, args.prompt)?;
            StatusReport { project: text(&project.root), for_prompt: args.prompt, ..report }
        }
    };
    Ok(Report::Status(report).into())
}

fn of_project(ctx: &Context, project: &Project, prompt: bool) -> Result<StatusReport> {
    let name = project.name();
    let (known, status) = if prompt {
        let status = Files::of(ctx).and_then(|files| files.status(&name));
        (status.is_some(), status.flatten())
    } else {
        (true, session::find(ctx, &name)?.as_ref().map(Session::status))
    };
    Ok(StatusReport {
        trust: Some(Trust::Trusted),
        session: Some(name.to_string()),
        known,
        status,
        clients: lock::live_clients(ctx, &name).len(),
        ..StatusReport::default()
    })
}
