//! What Tab offers for the value of an argument, by what such values are called.

use clap_complete::CompletionCandidate;
use nu_protocol::DynamicSuggestion;

use super::signature::SESSION;
use crate::context::Context;
use crate::{complete, schema};

/// `None` where there is nothing to offer; Nushell then offers files.
pub(super) fn suggestions(ctx: &Context, kind: &str) -> Option<Vec<DynamicSuggestion>> {
    let candidates = match kind {
        SESSION => complete::sessions_of(ctx),
        "AGENT" => complete::agents_of(ctx),
        "COMMAND" => schemas(),
        _ => return None,
    };
    let suggestion = |candidate: CompletionCandidate| DynamicSuggestion {
        value: candidate.get_value().to_string_lossy().into_owned(),
        description: candidate.get_help().map(ToString::to_string),
        ..DynamicSuggestion::default()
    };
    Some(candidates.into_iter().map(suggestion).collect())
}

fn schemas() -> Vec<CompletionCandidate> {
    let candidate = |(name, schema): (String, schemars::Schema)| {
        let description = schema.get("description").and_then(|text| text.as_str());
        CompletionCandidate::new(name).help(description.map(|text| text.to_owned().into()))
    };
    schema::all().into_iter().map(candidate).collect()
}
