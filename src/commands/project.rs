//! `agent-session project`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use crate::commands::{Outcome, allow};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::project::TEMPLATE;
use crate::report::{ProjectReport, Report};
use crate::trust;

const EXAMPLES: &str = "\
Examples:
  Write a .agent-session.toml with every setting as a comment:
    $ agent-session project init
  Then allow what you made of it:
    $ agent-session allow";

/// The arguments of `project`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// What is to be done.
    #[command(subcommand)]
    pub action: Action,
}

/// What is to be done with a project.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Write a commented .agent-session.toml; one that is there stays as it is
    Init {
        /// The project's root [default: the current directory]
        #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
        path: Option<PathBuf>,
    },
}

/// Writes a project's file.
///
/// # Errors
/// [`Error::ProjectExists`], [`Error::PathNotFound`], [`Error::Io`].
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let Action::Init { path } = &args.action;
    let root = allow::directory(ctx, path.as_deref())?;
    let file = root.join(trust::FILE);
    let written = OpenOptions::new().write(true).create_new(true).open(&file);
    let written = written.and_then(|mut new| new.write_all(TEMPLATE.as_bytes()));
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Error::ProjectExists { file })
        }
        Err(source) => Err(Error::io(format!("writing {}", crate::error::shown(&file)), source)),
        Ok(()) => {
            let text = |path: PathBuf| path.to_string_lossy().into_owned();
            Ok(Report::Project(ProjectReport { project: text(root), file: text(file) }).into())
        }
    }
}
