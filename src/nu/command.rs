//! One command of the plugin: a call of Nushell's becomes a command line, its report a value.

use clap::Parser;
use nu_plugin::{DynamicCompletionCall, EngineInterface, EvaluatedCall, PluginCommand};
use nu_protocol::engine::ArgType;
use nu_protocol::{
    Category, DynamicSuggestion, Example, LabeledError, ListStream, PipelineData, ShellError,
    Signature, Span,
};
use schemars::Schema;
use serde_json::Value as Json;

use super::request::{Invocation, Request};
use super::value::Shape;
use super::{AgentSession, completion, error, signature, surroundings};
use crate::cli::Cli;
use crate::commands;
use crate::context::Context;
use crate::error::Error;

/// A command that gives data.
#[derive(Debug, Clone)]
pub struct DataCommand {
    name: String,
    words: Vec<String>,
    command: clap::Command,
    schema: Schema,
    description: String,
    extra: String,
    examples: Vec<(String, String)>,
}

impl DataCommand {
    /// The command that these words mean; of the examples it gets its own.
    pub(super) fn new(
        words: Vec<String>,
        command: clap::Command,
        schema: Schema,
        (extra, examples): (String, Vec<(String, String)>),
    ) -> Self {
        let name = format!("agent-session {}", words.join(" "));
        let is_own = |example: &str| words.len() == 1 || example.contains(&name);
        Self {
            description: command.get_about().map(ToString::to_string).unwrap_or_default(),
            extra,
            examples: examples.into_iter().filter(|(_, example)| is_own(example)).collect(),
            name,
            words,
            command,
            schema,
        }
    }

    /// Runs each invocation. A list of results, or the one.
    fn run_all(&self, ctx: &Context, request: &Request, head: Span) -> Result<Json, LabeledError> {
        let mut results = Vec::new();
        for invocation in &request.invocations {
            let failed = |error: Error| {
                if ctx.programs.interrupt().is_said() {
                    return ShellError::Interrupted { span: head }.into();
                }
                error::label(&error, &invocation.spans, head)
            };
            match self.run_one(ctx, invocation).map_err(failed)? {
                Json::Array(items) if request.many => results.extend(items),
                one => results.push(one),
            }
        }
        match results.pop() {
            Some(only) if !request.many => Ok(only),
            last => Ok(results.into_iter().chain(last).collect()),
        }
    }

    fn run_one(&self, ctx: &Context, invocation: &Invocation) -> Result<Json, Error> {
        let program = "agent-session".to_owned();
        let words = std::iter::once(&program).chain(&self.words).chain(&invocation.words);
        let cli = Cli::try_parse_from(words).map_err(|error| usage(&error))?;
        let outcome = commands::run(ctx, &cli.command)?;
        let report = outcome.report.as_ref();
        report
            .map_or(Ok(Json::Null), serde_json::to_value)
            .map_err(|source| Error::io("reading the result", std::io::Error::other(source)))
    }
}

fn usage(error: &clap::Error) -> Error {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Error::Usage { message: message.into() }
}

impl PluginCommand for DataCommand {
    type Plugin = AgentSession;

    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> Signature {
        signature::of(&self.name, &self.command, &Shape::new(&self.schema))
            .category(Category::Custom("agent-session".into()))
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn extra_description(&self) -> &str {
        &self.extra
    }

    fn search_terms(&self) -> Vec<&str> {
        vec!["agent", "session", "container", "podman"]
    }

    fn examples(&self) -> Vec<Example<'_>> {
        let pairs = self.examples.iter();
        pairs.map(|(description, example)| Example { example, description, result: None }).collect()
    }

    fn run(
        &self,
        _plugin: &AgentSession,
        engine: &EngineInterface,
        call: &EvaluatedCall,
        input: PipelineData,
    ) -> Result<PipelineData, LabeledError> {
        let ctx = surroundings::of(engine).map_err(|error| error::label(&error, &[], call.head))?;
        let request = Request::new(&self.command, call, input, &ctx.home)?;
        let result = self.run_all(&ctx, &request, call.head)?;
        let shape = Shape::new(&self.schema);
        let span = call.head;
        match result {
            Json::Array(items) => {
                let items = items.into_iter().map(move |item| shape.item(&item, span));
                let stream = ListStream::new(items, span, engine.signals().clone());
                Ok(PipelineData::list_stream(stream, None))
            }
            one => Ok(PipelineData::value(shape.value(&one, span), None)),
        }
    }

    #[expect(deprecated, reason = "the marker of what is experimental")]
    fn get_dynamic_completion(
        &self,
        _plugin: &AgentSession,
        engine: &EngineInterface,
        _call: DynamicCompletionCall,
        arg: ArgType,
        _experimental: nu_protocol::engine::ExperimentalMarker,
    ) -> Option<Vec<DynamicSuggestion>> {
        let kind = signature::value_name(&self.command, &arg)?;
        let ctx = surroundings::of(engine).ok()?;
        completion::suggestions(&ctx, &kind)
    }
}
