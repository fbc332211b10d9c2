//! What a shell offers for the word that is being typed: names, with a few words on each.
//!
//! Neither podman is asked nor a project's file read: a completion must not wait, and must not do
//! anything because of the directory it is in.

use clap::builder::StyledStr;
use clap_complete::CompletionCandidate;

use crate::agent;
use crate::context::Context;
use crate::glimpse::Files;
use crate::text::clean;

/// The sessions, each with its state, its agent and what it works on.
#[must_use]
pub fn sessions() -> Vec<CompletionCandidate> {
    context().map(|ctx| sessions_of(&ctx)).unwrap_or_default()
}

/// The same, of these surroundings.
#[must_use]
pub fn sessions_of(ctx: &Context) -> Vec<CompletionCandidate> {
    let sessions = Files::of(ctx).map(|files| files.all()).unwrap_or_default();
    let candidate = |session: crate::glimpse::Glimpse| {
        let words = [Some(session.status.to_string()), session.agent, session.project];
        let words: Vec<_> = words.into_iter().flatten().collect();
        CompletionCandidate::new(session.name.to_string()).help(help(&words.join(", ")))
    };
    sessions.into_iter().map(candidate).collect()
}

/// The agents, each with its description.
#[must_use]
pub fn agents() -> Vec<CompletionCandidate> {
    context().map(|ctx| agents_of(&ctx)).unwrap_or_default()
}

/// The same, of these surroundings.
#[must_use]
pub fn agents_of(ctx: &Context) -> Vec<CompletionCandidate> {
    let Ok((agents, _)) = agent::all(ctx) else { return Vec::new() };
    let candidate = |agent: agent::Agent| {
        CompletionCandidate::new(agent.name).help(help(&agent.definition.description))
    };
    agents.into_iter().map(candidate).collect()
}

fn context() -> Option<Context> {
    Context::from_process(Box::new(|_| {})).ok()
}

fn help(text: &str) -> Option<StyledStr> {
    (!text.is_empty()).then(|| clean(text).into())
}
