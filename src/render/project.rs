//! Reports of projects, for people.

use serde_json::Value;

use super::grid;
use crate::error::shell_quote;
use crate::report::{AllowReport, Asked, ConfigReport, DenyReport, StatusReport, Trust};
use crate::text::clean;

/// What a project's file asks for, line by line.
#[must_use]
pub fn asked(asked: &Asked) -> Vec<String> {
    let words = |words: &[String]| words.iter().map(|word| shell_quote(word)).collect::<Vec<_>>();
    let mut rows = vec![
        ("Session", asked.name.clone()),
        ("Agent", asked.agent.clone().unwrap_or_else(|| "-".into())),
        ("Agent arguments", words(&asked.args).join(" ")),
        ("Setup", asked.setup.clone().unwrap_or_default()),
        ("Environment", asked.environment.join(" ")),
        ("Entering", asked.auto.to_string()),
    ];
    let limits = serde_json::to_value(&asked.limits).unwrap_or_default();
    for (key, value) in limits.as_object().into_iter().flatten().filter(|(_, it)| !it.is_null()) {
        rows.push(("Limit", format!("{key} {value}")));
    }
    for mount in &asked.mounts {
        rows.push(("Mount", format!("{} -> {} ({})", mount.source, mount.target, mount.mode)));
    }
    rows.retain(|(_, value)| !value.is_empty());
    rows.iter().map(|(key, value)| format!("{:17}{}", format!("{key}:"), clean(value))).collect()
}

/// The result of `allow`; what is allowed was said before, unless nothing was done.
pub(super) fn allow(report: &AllowReport) -> String {
    let shown = report.asks.iter().filter(|_| report.dry_run).flat_map(asked);
    shown.chain([verdict(&report.project, report.trust)]).collect::<Vec<_>>().join("\n")
}

/// The session of a project in a few words; nothing where there is nothing to say.
pub(super) fn prompt(report: &StatusReport) -> String {
    let state = match (report.known, report.status) {
        (true, Some(status)) => format!(" {status}"),
        (true, None) => " none".into(),
        (false, _) => String::new(),
    };
    match (&report.session, report.trust) {
        (Some(name), _) => format!("{name}{state}"),
        (None, Some(Trust::Untrusted)) => "not allowed".into(),
        (None, _) => String::new(),
    }
}

/// The same in a sentence.
pub(super) fn status(report: &StatusReport) -> String {
    match (&report.project, &report.session) {
        (None, _) => "No project here. Make it one: agent-session project init".into(),
        (Some(project), None) => verdict(project, report.trust.unwrap_or(Trust::Untrusted)),
        (Some(project), Some(name)) => {
            let state = report.status.map_or_else(|| "not there yet".into(), |it| it.to_string());
            format!("Session '{name}' of {} is {state}.", clean(project))
        }
    }
}

/// Each setting with its value and who said it.
pub(super) fn config(report: &ConfigReport) -> String {
    let mut rows = vec![["SETTING", "VALUE", "FROM"].map(String::from).to_vec()];
    rows.extend(report.settings.iter().map(|setting| {
        let value = match &setting.value {
            Value::Null => "-".into(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        vec![setting.key.clone(), clean(&value), setting.source.to_string()]
    }));
    grid(rows)
}

pub(super) fn deny(report: &DenyReport) -> String {
    verdict(&report.project, report.trust)
}

fn verdict(project: &str, trust: Trust) -> String {
    let project = clean(project);
    match trust {
        Trust::Trusted => format!("{project} is allowed, until its .agent-session.toml changes."),
        Trust::Untrusted => format!("{project} is not allowed."),
        Trust::Denied => format!("{project} is denied, and all below it."),
    }
}
