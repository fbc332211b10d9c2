//! One module a command: its arguments, and what it does with them.
//!
//! A command neither prints nor asks nor takes over the terminal: it returns a report and, where a
//! session is to be attached, says so.

use clap::Subcommand;

use crate::context::Context;
use crate::doctor as checks;
use crate::error::{Error, Result};
use crate::project::{self as projects, Here, Project};
use crate::report::Report;
use crate::session::SessionName;
use crate::trust;

pub mod agents;
pub mod allow;
pub mod build;
pub mod config;
pub mod deny;
pub mod doctor;
pub mod enter;
pub mod init;
pub mod inspect;
pub mod ls;
pub mod project;
pub mod restart;
pub mod rm;
pub mod schema;
pub mod start;
pub mod status;
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
    /// Let a project's .agent-session.toml have its say
    Allow(allow::Args),
    /// Ignore the project files of a directory and all below it
    Deny(deny::Args),
    /// Show the session of this directory's project and its state
    Status(status::Args),
    /// Show what settings hold here, and who said so
    Config(config::Args),
    /// Write a project's .agent-session.toml
    Project(project::Args),
    /// Do what a project asks for when a shell enters it
    #[command(hide = true)]
    Enter(enter::Args),
    /// Print a shell's hook, which brings you into a project's session as you go there
    Init(init::Args),
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

impl Outcome {
    /// Nothing to print, nothing to attach.
    #[must_use]
    pub fn nothing() -> Self {
        Self { report: None, attach: None }
    }
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
        Command::Allow(args) => allow::run(ctx, args),
        Command::Deny(args) => deny::run(ctx, args),
        Command::Status(args) => status::run(ctx, args),
        Command::Config(args) => config::run(ctx, args),
        Command::Project(args) => project::run(ctx, args),
        Command::Enter(args) => enter::run(ctx, args),
        Command::Init(args) => Ok(init::run(args)),
    }
}

/// The session that a command means.
pub struct Meant {
    /// Its name.
    pub name: SessionName,
    /// The project that it is meant by; none where it was named, or stands for no project.
    pub project: Option<Box<Project>>,
}

/// The session of this name; without one, that of the project around, or the default one.
///
/// Who names a session never depends on a project's file. Who does not may mean another session
/// than they think where a file was not allowed: that is an error, unless `has_paths`, where it is
/// said what they mean.
fn meant(ctx: &Context, name: Option<&str>, has_paths: bool) -> Result<Meant> {
    if let Some(name) = name {
        return Ok(Meant { name: SessionName::parse(name)?, project: None });
    }
    let project = around(ctx, !has_paths)?;
    let name = match &project {
        Some(project) => project.name(),
        None => SessionName::parse(SessionName::DEFAULT)?,
    };
    Ok(Meant { name, project })
}

/// The trusted project around the working directory. One that was denied is none; nor is, after a
/// note, one that nobody allowed, unless it is `needed` to know what is meant.
fn around(ctx: &Context, needed: bool) -> Result<Option<Box<Project>>> {
    match projects::of(ctx, &ctx.cwd)? {
        Here::Trusted(project) => Ok(Some(project)),
        Here::Nowhere | Here::Denied(_) => Ok(None),
        Here::Untrusted(root) if needed => {
            Err(Error::ProjectUntrusted { root, reason: "is not allowed" })
        }
        Here::Untrusted(root) => {
            let root = root.display();
            ctx.note(format!("going on without {root}/{}, which is not allowed", trust::FILE));
            Ok(None)
        }
    }
}

/// The names given, or the one that is meant without, each once.
fn names_or_default(ctx: &Context, given: &[String]) -> Result<Vec<SessionName>> {
    if given.is_empty() {
        return Ok(vec![meant(ctx, None, false)?.name]);
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
