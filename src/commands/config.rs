//! `agent-session config`

use clap::Subcommand;

use crate::agent;
use crate::commands::{Outcome, start};
use crate::config::UserFile;
use crate::container;
use crate::context::Context;
use crate::error::Result;
use crate::mount;
use crate::project::{self, Here};
use crate::report::{ConfigReport, Report, Trust};
use crate::settings::Settings;
use crate::trust;

const EXAMPLES: &str = "\
Examples:
  What holds for a session that is started here, and who said so:
    $ agent-session config show
  The same with other arguments of start:
    $ agent-session config show -a opencode
  See whether all of it is sound:
    $ agent-session config check

Each later one wins:
  what is built in
  the user's file, $XDG_CONFIG_HOME/agent-session/config.toml
  the project's file, .agent-session.toml, once it was allowed
  the environment
  the command line

Environment:
  AGENT_SESSION_AGENT        The agent, where no -a is given
  AGENT_SESSION_AUTO         attach, background, hint or off: what entering a project does";

/// The arguments of `config`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// What is to be done.
    #[command(subcommand)]
    pub action: Action,
}

/// What is to be done with the settings.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Show what holds for a session that is started here, and who said so
    #[command(after_long_help = None::<&str>)]
    Show(start::Args),
    /// The same, once the agent, the mounts and the variables were found to be sound
    #[command(after_long_help = None::<&str>)]
    Check(start::Args),
}

/// Tells what holds here.
///
/// # Errors
/// [`crate::error::Error::InvalidConfig`] of either file; with `check` those of what they name.
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let (Action::Show(flags) | Action::Check(flags)) = &args.action;
    let user = UserFile::read(ctx)?;
    let (root, trust, project) = match project::of(ctx, &ctx.cwd)? {
        Here::Nowhere => (None, None, None),
        Here::Untrusted(root) => {
            let root_shown = root.display();
            ctx.note(format!(
                "without {root_shown}/{}, which is not allowed; what it asks for: \
                 agent-session allow --dry-run",
                trust::FILE
            ));
            (Some(root), Some(Trust::Untrusted), None)
        }
        Here::Denied(root) => (Some(root), Some(Trust::Denied), None),
        Here::Trusted(project) => (Some(project.root.clone()), Some(Trust::Trusted), Some(project)),
    };
    let settings = Settings::new(ctx, &user, project.as_deref(), flags)?;
    if matches!(args.action, Action::Check(_)) {
        check(ctx, &settings)?;
    }
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    Ok(Report::Config(Box::new(ConfigReport {
        user_file: text(UserFile::path(ctx)),
        project: root.map(text),
        trust,
        settings: settings.rows(ctx),
    }))
    .into())
}

fn check(ctx: &Context, settings: &Settings) -> Result<()> {
    agent::get(ctx, settings.agent_or_default())?;
    let paths: Vec<_> = settings.paths.iter().map(|path| path.value.clone()).collect();
    let extra: Vec<_> = settings.mounts.iter().map(|mount| mount.value.clone()).collect();
    mount::resolve(ctx, &paths, &extra)?;
    settings.env.iter().try_for_each(|entry| container::env_pair(ctx, &entry.value).map(drop))
}
