//! What Tab offers for the value of an argument, by what such values are called.

use nu_protocol::DynamicSuggestion;

use super::signature::SESSION;
use crate::context::Context;
use crate::{agent, schema, session};

/// `None` where there is nothing to offer; Nushell then offers files.
pub(super) fn suggestions(ctx: &Context, kind: &str) -> Option<Vec<DynamicSuggestion>> {
    let pairs = match kind {
        SESSION => sessions(ctx)?,
        "AGENT" => agents(ctx)?,
        "COMMAND" => schemas(),
        _ => return None,
    };
    let suggestion = |(value, description)| DynamicSuggestion {
        value,
        description: Some(description),
        ..DynamicSuggestion::default()
    };
    Some(pairs.into_iter().map(suggestion).collect())
}

type Pairs = Vec<(String, String)>;

fn sessions(ctx: &Context) -> Option<Pairs> {
    let describe = |session: session::Session| {
        let (status, spec) = (session.status(), &session.spec);
        (session.name.to_string(), format!("{}, {status}, {}", spec.agent, spec.project))
    };
    Some(session::all(ctx).ok()?.into_iter().map(describe).collect())
}

fn agents(ctx: &Context) -> Option<Pairs> {
    let (agents, _) = agent::all(ctx).ok()?;
    Some(agents.into_iter().map(|agent| (agent.name, agent.definition.description)).collect())
}

fn schemas() -> Pairs {
    let all = schema::all().into_iter();
    let description = |schema: &schemars::Schema| {
        schema.get("description").and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    all.map(|(name, schema)| (name, description(&schema))).collect()
}
