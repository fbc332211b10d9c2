//! A call of Nushell's, as command lines.

use std::path::Path;

use clap::{Arg, ArgAction};
use nu_plugin::EvaluatedCall;
use nu_protocol::{LabeledError, PipelineData, Span, Value};

use super::{error, signature};
use crate::error::Error;

/// One command line, without the name of the command.
#[derive(Debug, Clone, Default)]
pub(super) struct Invocation {
    /// Its words. No value can be taken for a flag.
    pub(super) words: Vec<String>,
    /// The values in it, and where they come from.
    pub(super) spans: Vec<(String, Span)>,
}

/// All that a call asks for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) invocations: Vec<Invocation>,
    /// Whether the result is a list, however many there are: a list was piped in.
    pub(super) many: bool,
}

impl Request {
    /// Arguments win over what is piped in: inside of a closure, that is what the closure was given.
    pub(super) fn new(
        command: &clap::Command,
        call: &EvaluatedCall,
        input: PipelineData,
        home: &Path,
    ) -> Result<Self, LabeledError> {
        let mut base = Invocation::default();
        flags(command, call, home, &mut base)?;
        if signature::takes_sessions(command) && call.positional.is_empty() {
            let piped = input.into_value(call.head)?;
            let many = matches!(piped, Value::List { .. });
            let mut names = Vec::new();
            collect_names(piped, &mut names)?;
            if many || !names.is_empty() {
                return Ok(Self { invocations: split(command, &base, names), many });
            }
        }
        let positionals: Vec<_> =
            signature::own_arguments(command).filter(|arg| arg.is_positional()).collect();
        let mut values = Vec::new();
        for (index, value) in call.positional.iter().enumerate() {
            let arg = positionals.get(index).or(positionals.last());
            values.push((text(arg.copied(), value, home)?, value.span()));
        }
        Ok(Self { invocations: vec![with_values(&base, values)], many: false })
    }
}

/// A command line for all names, or one for each where the command takes only one.
fn split(
    command: &clap::Command,
    base: &Invocation,
    names: Vec<(String, Span)>,
) -> Vec<Invocation> {
    let takes_several =
        command.get_positionals().any(|arg| matches!(arg.get_action(), ArgAction::Append));
    match (names.is_empty(), takes_several) {
        (true, _) => Vec::new(),
        (false, true) => vec![with_values(base, names)],
        (false, false) => names.into_iter().map(|name| with_values(base, vec![name])).collect(),
    }
}

fn with_values(base: &Invocation, values: Vec<(String, Span)>) -> Invocation {
    let mut invocation = base.clone();
    invocation.words.push("--".into());
    invocation.words.extend(values.iter().map(|(text, _)| text.clone()));
    invocation.spans.extend(values);
    invocation
}

fn flags(
    command: &clap::Command,
    call: &EvaluatedCall,
    home: &Path,
    invocation: &mut Invocation,
) -> Result<(), LabeledError> {
    for (name, value) in &call.named {
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(name.item.as_str()));
        let is_switch = arg.is_some_and(|arg| !arg.get_action().takes_values());
        let values = match value {
            Some(Value::Bool { val: false, .. }) if is_switch => continue,
            None | Some(Value::Bool { .. }) if is_switch => {
                let word = format!("--{}", name.item);
                invocation.spans.push((word.clone(), name.span));
                invocation.words.push(word);
                continue;
            }
            Some(Value::List { vals, .. }) => vals.to_vec(),
            value => value.iter().cloned().collect(),
        };
        for value in values {
            let text = text(arg, &value, home)?;
            invocation.words.push(format!("--{}={text}", name.item));
            invocation.spans.push((text, value.span()));
        }
    }
    Ok(())
}

/// A value as a word. Nushell leaves a `~` in a string that is put together; its own commands take
/// it for the home directory, and so do these where a path is wanted.
fn text(arg: Option<&Arg>, value: &Value, home: &Path) -> Result<String, LabeledError> {
    let text = value.clone().coerce_into_string()?;
    let rest = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match rest {
        Some(rest) if arg.is_some_and(signature::is_path) => {
            Ok(format!("{}{rest}", home.display()))
        }
        _ => Ok(text),
    }
}

/// The names in what was piped in: texts, records with a column `name`, lists of both.
fn collect_names(value: Value, names: &mut Vec<(String, Span)>) -> Result<(), LabeledError> {
    let span = value.span();
    match value {
        Value::Nothing { .. } => {}
        Value::List { vals, .. } => {
            vals.into_iter().try_for_each(|value| collect_names(value, names))?;
        }
        Value::Record { val, .. } => {
            let name = val.get(SESSION_COLUMN).ok_or_else(|| no_name(span))?;
            names.push((name.clone().coerce_into_string()?, name.span()));
        }
        Value::Error { error, .. } => return Err((*error).into()),
        Value::String { .. } | Value::Glob { .. } | Value::Int { .. } => {
            names.push((value.coerce_into_string()?, span));
        }
        _ => return Err(no_name(span)),
    }
    Ok(())
}

const SESSION_COLUMN: &str = "name";

fn no_name(span: Span) -> LabeledError {
    let message = "what is piped in is neither a name nor a record with a column 'name'";
    error::label(&Error::Usage { message: message.into() }, &[], span)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use nu_protocol::{IntoSpanned, record};

    use super::*;
    use crate::cli::Cli;

    fn request(command: &str, call: &EvaluatedCall, input: Value) -> Result<Request, LabeledError> {
        let cli = Cli::command();
        let command = cli.find_subcommand(command).unwrap();
        Request::new(command, call, PipelineData::value(input, None), Path::new("/home/x"))
    }

    fn words(request: &Request) -> Vec<Vec<&str>> {
        request
            .invocations
            .iter()
            .map(|one| one.words.iter().map(String::as_str).collect())
            .collect()
    }

    fn call() -> EvaluatedCall {
        EvaluatedCall::new(Span::test_data())
    }

    fn name(name: &str) -> Value {
        Value::test_string(name)
    }

    #[test]
    fn flags_come_first_and_no_value_is_taken_for_one() {
        let call = call()
            .with_positional(name("--all"))
            .with_flag("force".into_spanned(Span::test_data()));
        let request = request("rm", &call, Value::test_nothing()).unwrap();
        assert_eq!(words(&request), [["--force", "--", "--all"]]);
        assert!(!request.many);
    }

    #[test]
    fn names_and_records_come_from_the_pipeline() {
        let record = Value::test_record(record! {"name" => name("b"), "status" => name("x")});
        let list = Value::test_list(vec![name("a"), record.clone(), Value::test_int(3)]);
        let several = request("stop", &call(), list.clone()).unwrap();
        assert_eq!((words(&several), several.many), (vec![vec!["--", "a", "b", "3"]], true));
        let each = request("inspect", &call(), list).unwrap();
        assert_eq!(words(&each), [["--", "a"], ["--", "b"], ["--", "3"]]);
        let one = request("stop", &call(), record).unwrap();
        assert_eq!((words(&one), one.many), (vec![vec!["--", "b"]], false));
    }

    #[test]
    fn an_empty_list_is_no_name_and_not_the_default_one() {
        let request = request("rm", &call(), Value::test_list(Vec::new())).unwrap();
        assert!(request.invocations.is_empty() && request.many);
    }

    #[test]
    fn arguments_win_over_what_is_piped_in() {
        let with_name = call().with_positional(name("a"));
        assert_eq!(words(&request("stop", &with_name, name("b")).unwrap()), [["--", "a"]]);
        assert_eq!(words(&request("ls", &call(), name("b")).unwrap()), [["--"]]);
    }

    #[test]
    fn what_is_no_name_is_refused_where_it_is() {
        let nameless = Value::test_record(record! {"status" => name("x")});
        for input in [nameless, Value::test_float(1.5), Value::test_bool(true)] {
            let error = request("stop", &call(), input).unwrap_err();
            assert_eq!(error.code.as_deref(), Some("usage"));
        }
    }

    #[test]
    fn a_tilde_is_the_home_directory_where_a_path_is_wanted() {
        let head = Span::test_data();
        let call = call()
            .with_named("zellij".into_spanned(head), name("~/zellij"))
            .with_named("base".into_spanned(head), name("~/base"));
        let request = request("build", &call, Value::test_nothing()).unwrap();
        assert_eq!(words(&request), [["--zellij=/home/x/zellij", "--base=~/base", "--"]]);
    }
}
