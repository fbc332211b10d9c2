//! `agent-session schema`

use crate::commands::Outcome;
use crate::error::{Error, Result};
use crate::report::{Report, SchemaReport};
use crate::schema;

const EXAMPLES: &str = "\
Examples:
  List the schemas:
    $ agent-session schema
  Print the one of what \"ls\" gives:
    $ agent-session schema ls
  Print the one of every failure:
    $ agent-session schema error";

/// The arguments of `schema`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Name of the command, or "error" for its failures
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// Gives one schema, or all.
///
/// # Errors
/// [`Error::Usage`] where there is no such schema.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut all = schema::all();
    let report = match &args.command {
        None => SchemaReport::All(all),
        Some(name) => SchemaReport::One(Box::new(all.remove(name).ok_or_else(|| unknown(name))?)),
    };
    Ok(Report::Schema(report).into())
}

fn unknown(name: &str) -> Error {
    let names: Vec<_> = schema::all().into_keys().collect();
    Error::Usage { message: format!("no schema '{name}'; there are: {}", names.join(", ")) }
}
