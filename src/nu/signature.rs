//! Signatures, help and examples, from the clap tree.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, ArgAction};
use nu_protocol::engine::ArgType;
use nu_protocol::{Flag, PositionalArg, Signature, SyntaxShape, Type};

use super::value::Shape;

/// What a positional argument is called that takes names of sessions: from the pipeline too.
pub(super) const SESSION: &str = "NAME";

pub(super) fn of(name: &str, command: &clap::Command, shape: &Shape) -> Signature {
    let signature = own_arguments(command).fold(Signature::build(name), |signature, arg| {
        if arg.is_positional() {
            let positional =
                PositionalArg::new(arg.get_id().as_str(), type_of(arg)).desc(help_of(arg));
            signature.param(match arg.get_action() {
                ArgAction::Append => positional.rest(),
                _ if arg.is_required_set() => positional.required(),
                _ => positional.optional(),
            })
        } else {
            signature.param(flag(arg))
        }
    });
    let output = shape.nu_type();
    let mut types = vec![(Type::Nothing, output.clone())];
    if takes_sessions(command) {
        types.extend([
            (Type::String, output),
            (Type::record(), Type::Any),
            (Type::list(Type::String), Type::table()),
            (Type::table(), Type::table()),
        ]);
    }
    // Also where the type of the input is not known before it runs.
    types.push((Type::Any, Type::Any));
    signature.input_output_types(types)
}

/// The arguments of the command's own: the form of the result is always that of Nushell.
pub(super) fn own_arguments(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    // Nushell has only one rest of arguments.
    let is_own = |arg: &&Arg| !arg.is_global_set() && !arg.is_hide_set() && !arg.is_last_set();
    command.get_arguments().filter(is_own)
}

/// Whether names of sessions can come from the pipeline.
pub(super) fn takes_sessions(command: &clap::Command) -> bool {
    command.get_positionals().any(|arg| named(arg).as_deref() == Some(SESSION))
}

/// What the values of this argument are called: `NAME`, `AGENT`, ….
pub(super) fn value_name(command: &clap::Command, arg: &ArgType) -> Option<String> {
    let positionals: Vec<_> = own_arguments(command).filter(|arg| arg.is_positional()).collect();
    let arg = match arg {
        ArgType::Flag(name) => {
            let is_named = |arg: &&Arg| arg.get_long() == Some(name.as_ref());
            own_arguments(command).find(is_named)?
        }
        ArgType::Positional(index) => positionals.get(*index).or(positionals.last())?,
    };
    named(arg)
}

fn named(arg: &Arg) -> Option<String> {
    arg.get_value_names()?.first().map(ToString::to_string)
}

fn flag(arg: &Arg) -> Flag {
    let flag = Flag::new(arg.get_long().unwrap_or_default()).desc(help_of(arg));
    let flag = arg.get_short().into_iter().fold(flag, Flag::short);
    match arg.get_action() {
        ArgAction::SetTrue => flag,
        ArgAction::Append => {
            let list = SyntaxShape::List(Box::new(SyntaxShape::String));
            flag.arg(SyntaxShape::OneOf(vec![list, type_of(arg)]))
        }
        _ => flag.arg(type_of(arg)),
    }
}

fn type_of(arg: &Arg) -> SyntaxShape {
    if is_path(arg) { SyntaxShape::Filepath } else { SyntaxShape::String }
}

/// Whether the values of an argument are paths.
pub(super) fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

fn help_of(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match arg.get_default_values().first() {
        Some(default) if arg.get_action().takes_values() => {
            format!("{help} [default: {}]", default.to_string_lossy())
        }
        _ => help,
    }
}

/// The long help: what is not examples, and the examples as pairs of description and command: those
/// for Nushell, which begin with `>`; where there is none, those for any shell, which begin with `$`.
pub(super) fn help(command: &clap::Command) -> (String, Vec<(String, String)>) {
    let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let (examples, other): (Vec<_>, Vec<_>) =
        text.split("\n\n").partition(|section| section.starts_with("Examples:"));
    let lines = examples.iter().flat_map(|section| section.lines().skip(1)).map(str::trim);
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines {
        match (line.split_once(' '), entries.last_mut()) {
            (Some(("$", example)), Some(entry)) => entry.any_shell.push(example),
            (Some((">", example)), Some(entry)) => entry.nushell.push(example),
            _ => entries.push(Entry { what: line.trim_end_matches(':'), ..Entry::default() }),
        }
    }
    (other.join("\n\n"), entries.iter().flat_map(Entry::pairs).collect())
}

#[derive(Default)]
struct Entry<'a> {
    what: &'a str,
    any_shell: Vec<&'a str>,
    nushell: Vec<&'a str>,
}

impl Entry<'_> {
    fn pairs(&self) -> Vec<(String, String)> {
        // What is piped on as JSON is for other shells, and a caret is past the plugin.
        let is_own = |example: &&&str| example.starts_with("agent-session ");
        let any_shell = self.any_shell.iter().filter(|example| !example.contains(" --json"));
        let any_shell = any_shell.filter(is_own);
        let own = self.nushell.iter().filter(is_own);
        let chosen: Vec<_> =
            if self.nushell.is_empty() { any_shell.collect() } else { own.collect() };
        chosen.iter().map(|example| (self.what.to_owned(), (**example).to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use nu_plugin::PluginCommand;

    use super::*;
    use crate::nu::AgentSession;

    fn command(name: &str) -> crate::nu::DataCommand {
        let all = AgentSession::data_commands();
        all.into_iter().find(|command| command.name() == name).unwrap()
    }

    #[test]
    fn what_gives_data_is_declared_and_what_takes_the_terminal_is_not() {
        let all = AgentSession::data_commands();
        let names: Vec<_> = all.iter().map(PluginCommand::name).collect();
        for name in ["ls", "list", "stop", "rm", "inspect", "build", "agents", "config show"] {
            assert!(names.contains(&format!("agent-session {name}").as_str()), "{names:?}");
        }
        for name in ["agent-session", "agent-session start", "agent-session config"] {
            assert!(!names.contains(&name), "{names:?}");
        }
    }

    #[test]
    fn flags_and_arguments_are_those_of_the_command_line_with_their_help() {
        let rm = command("agent-session rm").signature();
        let force = rm.get_long_flag("force").unwrap();
        assert_eq!((force.short, force.desc.as_str()), (Some('f'), "Do not ask"));
        assert_eq!(rm.rest_positional.unwrap().name, "names");
        assert!(rm.named.iter().all(|flag| flag.long != "json" && flag.long != "format"));
        let build = command("agent-session build").signature();
        assert_eq!(build.get_long_flag("zellij").unwrap().arg, Some(SyntaxShape::Filepath));
        assert_eq!(build.get_long_flag("all").unwrap().arg, None);
        let inspect = command("agent-session inspect").signature();
        assert_eq!(
            inspect.optional_positional[0].desc,
            "Name of the session [default: the project's, or default]"
        );
    }

    #[test]
    fn examples_are_those_of_the_help_that_nushell_can_run() {
        let ls = command("agent-session ls");
        let examples: Vec<_> =
            ls.examples().iter().map(|example| example.example.to_owned()).collect();
        assert_eq!(examples[0], "agent-session ls");
        assert!(examples.iter().any(|example| example.contains("where status == running")));
        for command in AgentSession::data_commands() {
            assert!(!command.examples().is_empty(), "{}", command.name());
            for example in command.examples() {
                assert!(!example.example.contains("--json"), "{}", example.example);
                assert!(!example.description.is_empty());
            }
        }
    }
}
