//! The plugin for Nushell: the commands that give data, as commands of Nushell with typed values.
//!
//! Nothing here knows a command: signatures, help and examples are those of the clap tree, types
//! those of the schemas. What takes the terminal is not declared, and neither is a bare
//! `agent-session`: Nushell then finds the program of that name for everything that is not here.

use clap::CommandFactory;
use nu_plugin::{Plugin, PluginCommand};
use schemars::Schema;

use crate::cli::Cli;
use crate::schema;

mod command;
mod completion;
mod error;
mod request;
mod signature;
mod surroundings;
mod value;

pub use command::DataCommand;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub struct AgentSession;

impl AgentSession {
    /// The commands that give data: those with a schema that never take the terminal.
    #[must_use]
    pub fn data_commands() -> Vec<DataCommand> {
        let schemas = schema::all();
        let cli = Cli::command();
        let with_schema = cli
            .get_subcommands()
            .filter_map(|command| Some((command, schemas.get(command.get_name())?)));
        with_schema
            .filter(|(command, _)| !command.is_hide_set() && !takes_terminal(command))
            .flat_map(|(command, schema)| declared(command, schema))
            .collect()
    }
}

/// A command under each of its names; in place of one that has subcommands, those.
fn declared(command: &clap::Command, schema: &Schema) -> Vec<DataCommand> {
    if command.has_subcommands() {
        let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
        return inner
            .map(|inner| {
                let words = vec![command.get_name().to_owned(), inner.get_name().to_owned()];
                let help = signature::help(command);
                DataCommand::new(words, inner.clone(), schema.clone(), help)
            })
            .collect();
    }
    std::iter::once(command.get_name())
        .chain(command.get_visible_aliases())
        .map(|name| {
            let help = signature::help(command);
            DataCommand::new(vec![name.to_owned()], command.clone(), schema.clone(), help)
        })
        .collect()
}

/// Whether a command takes the terminal, unless it is told to detach.
fn takes_terminal(command: &clap::Command) -> bool {
    command.get_arguments().any(|arg| arg.get_id() == "detach")
}

impl Plugin for AgentSession {
    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn commands(&self) -> Vec<Box<dyn PluginCommand<Plugin = Self>>> {
        let boxed = |command| Box::new(command) as Box<dyn PluginCommand<Plugin = Self>>;
        Self::data_commands().into_iter().map(boxed).collect()
    }
}
