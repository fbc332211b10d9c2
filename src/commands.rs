//! One module a command: its arguments, and what it does with them.
//!
//! A command neither prints nor asks nor takes over the terminal: it returns a report and, where a
//! session is to be attached, says so.

use clap::Subcommand;

use crate::context::Context;
use crate::doctor as checks;
use crate::error::Result;
use crate::report::Report;
use crate::session::SessionName;

pub mod agents;
pub mod build;
pub mod doctor;
pub mod inspect;
pub mod ls;
pub mod restart;
pub mod rm;
pub mod schema;
pub mod start;
pub mod stop;

/// What is to be done.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Create a session, or reattach to it
    Start(start::Args),
    /// Stop sessions; they can be started again
    Stop(stop::Args),
    /// Start a stopped session and reattach, going on with the agent's conversation
    Restart(restart::Args),
    /// List all sessions
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Remove stopped sessions: container, home volume and secrets
    Rm(rm::Args),
    /// Build or rebuild agents' images
    Build(build::Args),
    /// List the agents and whether each is ready
    Agents(agents::Args),
    /// Show everything about one session
    Inspect(inspect::Args),
    /// Find what stands in the way of sessions, and mend it
    Doctor(doctor::Args),
    /// Print the JSON Schema of a command's result
    Schema(schema::Args),
}

/// What came of a command.
#[derive(Debug)]
pub struct Outcome {
    /// What is printed; `None` where a terminal is attached without a look at the session.
    pub report: Option<Report>,
    /// The session that the terminal is to be given to.
    pub attach: Option<Attach>,
}

/// A terminal to be attached.
#[derive(Debug)]
pub struct Attach {
    /// The session.
    pub name: SessionName,
    /// Whether nobody has looked if it runs: where podman says that it does not, the command is
    /// run again, in full.
    pub unseen: bool,
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Self { report: Some(report), attach: None }
    }
}

/// Runs a command. Where podman fails one that needs containers to start, the reason is looked for.
///
/// # Errors
/// Those of the command; [`crate::error::Error::Unfit`].
pub fn run(ctx: &Context, command: &Command) -> Result<Outcome> {
    let outcome = dispatch(ctx, command);
    match command {
        Command::Start(_) | Command::Restart(_) | Command::Build(_) => {
            outcome.map_err(|error| checks::explained(ctx, error))
        }
        _ => outcome,
    }
}

fn dispatch(ctx: &Context, command: &Command) -> Result<Outcome> {
    match command {
        Command::Start(args) => start::run(ctx, args),
        Command::Stop(args) => stop::run(ctx, args),
        Command::Restart(args) => restart::run(ctx, args),
        Command::Ls(args) => ls::run(ctx, args),
        Command::Rm(args) => rm::run(ctx, args),
        Command::Build(args) => build::run(ctx, args),
        Command::Agents(args) => agents::run(ctx, args),
        Command::Inspect(args) => inspect::run(ctx, args),
        Command::Doctor(args) => doctor::run(ctx, args),
        Command::Schema(args) => schema::run(args),
    }
}

/// The names given, or the default one, each once.
fn names_or_default(given: &[String]) -> Result<Vec<SessionName>> {
    if given.is_empty() {
        return Ok(vec![SessionName::parse(SessionName::DEFAULT)?]);
    }
    let mut names = Vec::new();
    for text in given {
        let name = SessionName::parse(text)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}
