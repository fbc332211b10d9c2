//! Reports as text: JSON for programs, tables for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::{SpanRound, Timestamp, Unit};
use schemars::Schema;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::{Padding, Style as TableStyle};

use crate::error::Error;
use crate::report::{
    AgentReport, BuildReport, InspectReport, OneOrMany, RemovedReport, Report, SchemaReport,
    SessionReport,
};
use crate::session::Status;
pub use crate::text::clean;

mod project;

pub use project::asked;

mod doctor;

/// How wide and how colourful a text may be.
#[derive(Debug, Clone, Copy)]
pub struct Surface {
    /// Columns of the terminal; `None` where there is none, and nothing is left out.
    pub width: Option<usize>,
    /// The present moment.
    pub now: Timestamp,
}

/// A value as JSON, without a newline at the end.
#[must_use]
pub fn json(value: &impl Serialize, indent: bool) -> String {
    let text =
        if indent { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    // Reports have no maps with keys that are not strings, the only thing that can fail.
    text.unwrap_or_default()
}

/// An error for a person: what went wrong, what lies behind it, what to type next.
#[must_use]
pub fn error(error: &Error) -> String {
    let mut text =
        format!("{} {}", coloured("error:", AnsiColor::Red), clean_lines(&error.to_string()));
    let message = error.to_string();
    for cause in error.causes().iter().filter(|cause| !message.ends_with(cause.as_str())) {
        let _ = write!(text, "\n  {}", clean(cause));
    }
    let _ = write!(text, "\n{} {}", coloured("hint:", AnsiColor::Cyan), clean(&error.hint()));
    text
}

/// A report for a person. Colours are always there; the edge strips them where they do not belong.
#[must_use]
pub fn table(report: &Report, surface: Surface) -> String {
    match report {
        Report::Sessions(sessions) if sessions.is_empty() => {
            "No sessions. Start one: agent-session start".into()
        }
        Report::Sessions(sessions) => session_table(sessions, surface),
        Report::Started(session) | Report::Restarted(session) => started(session),
        Report::Stopped(sessions) => {
            lines(sessions, |session| format!("Session '{}' is {}.", session.name, session.status))
        }
        Report::Removed(sessions) => {
            lines(sessions, |RemovedReport { name, .. }| format!("Session '{name}' is removed."))
        }
        Report::Built(images) => lines(images, built),
        Report::Agents(agents) => agent_table(agents),
        Report::Inspection(inspection) => inspect(inspection, surface),
        Report::Doctor(report) => doctor::table(report),
        Report::Schema(SchemaReport::One(schema)) => json(schema, true),
        Report::Schema(SchemaReport::All(schemas)) => schema_table(schemas),
        Report::Allowed(report) => project::allow(report),
        Report::Denied(report) => project::deny(report),
        Report::Status(report) if report.for_prompt => project::prompt(report),
        Report::Status(report) => project::status(report),
        Report::Config(report) => project::config(report),
        Report::Project(report) => format!(
            "Wrote {}. When it says what you want: agent-session allow",
            clean(&report.file)
        ),
        Report::Init(hook) => hook.script.trim_end().into(),
    }
}

fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// A length of time, to its largest two units: `3d 4h`, `5m 12s`.
#[must_use]
pub fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    let rounded =
        now.since(then).and_then(|span| span.round(SpanRound::new().smallest(Unit::Second)));
    let seconds = rounded.map_or(0, |span| span.get_seconds());
    format!("{} ago", duration(seconds.max(0) * 1_000_000_000))
}

fn lines<T>(items: &OneOrMany<T>, line: impl Fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn started(session: &SessionReport) -> String {
    let again = match session.name.as_str() {
        "default" => "agent-session start".into(),
        name => format!("agent-session start -n {name}"),
    };
    let (name, agent, status) = (&session.name, &session.agent, session.status);
    format!("Session '{name}' is {status}, with {}. Attach: {again}", clean(agent))
}

fn built(image: &BuildReport) -> String {
    let versions = image.versions.iter().map(|(name, version)| format!("{name} {version}"));
    format!(
        "Built {} in {}: {} MB, {}",
        clean(&image.image),
        duration(image.duration_ns),
        image.size_bytes / 1_000_000,
        clean(&versions.collect::<Vec<_>>().join(", "))
    )
}

fn coloured(text: &str, colour: AnsiColor) -> String {
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{text}{style:#}")
}

fn status(status: Status) -> String {
    let colour = match status {
        Status::Running => AnsiColor::Green,
        Status::Stopped | Status::Broken => AnsiColor::Red,
        Status::Created | Status::Paused => AnsiColor::Yellow,
    };
    coloured(&status.to_string(), colour)
}

/// Columns beyond the first three are added from left to right as long as they fit.
fn session_table(sessions: &[SessionReport], surface: Surface) -> String {
    let build = |columns: usize| {
        let mut rows = vec![vec![
            "NAME".to_owned(),
            "AGENT".into(),
            "STATUS".into(),
            "UPTIME".into(),
            "CREATED".into(),
            "PROJECT".into(),
        ]];
        rows.extend(sessions.iter().map(|session| session_row(session, surface.now)));
        grid(rows.into_iter().map(|row| row.into_iter().take(columns).collect()).collect())
    };
    let fits = |text: &String| {
        let widest = text
            .lines()
            .map(|line| anstream::adapter::strip_str(line).to_string().trim_end().chars().count())
            .max();
        surface.width.is_none_or(|width| widest.unwrap_or(0) <= width)
    };
    (3..=6).rev().map(build).find(fits).unwrap_or_else(|| build(3))
}

fn session_row(session: &SessionReport, now: Timestamp) -> Vec<String> {
    vec![
        clean(&session.name),
        clean(&session.agent),
        status(session.status),
        session.uptime_ns.map_or_else(|| "-".into(), duration),
        ago(now, session.created),
        clean(&session.project),
    ]
}

fn agent_table(agents: &[AgentReport]) -> String {
    let mut rows = vec![["AGENT", "STATUS", "DESCRIPTION"].map(String::from).to_vec()];
    for agent in agents {
        let (word, colour) = match (agent.ready, agent.outdated, &agent.error) {
            (_, _, Some(_)) => ("broken", AnsiColor::Red),
            (true, true, None) => ("outdated", AnsiColor::Yellow),
            (true, false, None) => ("ready", AnsiColor::Green),
            (false, _, None) => ("not built", AnsiColor::Yellow),
        };
        let text = agent.error.as_ref().or(agent.description.as_ref()).map_or("", String::as_str);
        rows.push(vec![clean(&agent.name), coloured(word, colour), clean(text)]);
    }
    grid(rows)
}

fn schema_table(schemas: &BTreeMap<String, Schema>) -> String {
    let mut rows = vec![["SCHEMA", "RESULT"].map(String::from).to_vec()];
    rows.extend(schemas.iter().map(|(name, schema)| {
        let description = schema.get("description").and_then(serde_json::Value::as_str);
        vec![name.clone(), description.unwrap_or_default().to_owned()]
    }));
    grid(rows)
}

fn inspect(inspection: &InspectReport, surface: Surface) -> String {
    let session = &inspection.session;
    let list =
        |items: &[String]| if items.is_empty() { "-".into() } else { clean(&items.join(" ")) };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let mut rows = vec![
        ("Name", clean(&session.name)),
        ("Agent", clean(&session.agent)),
        ("Agent arguments", list(&inspection.agent_args)),
        ("Status", status(session.status)),
        ("Uptime", or_dash(session.uptime_ns.map(duration))),
        ("Created", ago(surface.now, session.created)),
        ("Clients", session.clients.to_string()),
        ("Container", clean(&session.container)),
        ("Volume", or_dash(inspection.volume.as_deref().map(clean))),
        (
            "Image",
            format!(
                "{}{}",
                clean(&session.image),
                if session.outdated { " (outdated)" } else { "" }
            ),
        ),
        ("Environment", list(&inspection.environment)),
        ("Secrets", list(&inspection.secrets)),
    ];
    if let Some(limits) = &inspection.limits {
        rows.push((
            "Memory",
            or_dash(limits.memory_bytes.map(|bytes| format!("{} MiB", bytes >> 20))),
        ));
        rows.push(("Processes", or_dash(limits.pids.map(|pids| pids.to_string()))));
    }
    if let Some(policy) = &inspection.policy {
        rows.push(("Network", clean(&policy.network)));
    }
    for mount in &session.mounts {
        rows.push((
            "Mount",
            format!("{} -> {} ({})", clean(&mount.source), clean(&mount.target), mount.mode),
        ));
    }
    rows.extend(
        inspection
            .problems
            .iter()
            .map(|problem| ("Problem", coloured(&clean(problem), AnsiColor::Red))),
    );
    rows.iter()
        .fold(String::new(), |mut out, (key, value)| {
            let _ = writeln!(out, "{:17}{value}", format!("{key}:"));
            out
        })
        .trim_end()
        .to_owned()
}

fn grid(rows: Vec<Vec<String>>) -> String {
    let mut table = Builder::from_iter(rows).build();
    table.with(TableStyle::empty()).with(Padding::new(0, 3, 0, 0));
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-02T00:00:00Z";

    fn session(name: &str) -> SessionReport {
        SessionReport {
            name: name.into(),
            agent: "claude".into(),
            status: Status::Running,
            project: "/home/user/\x1b]0;title\x07project".into(),
            mounts: Vec::new(),
            created: "2026-01-01T22:00:00Z".parse().unwrap(),
            started: None,
            uptime_ns: Some(61_000_000_000),
            container: String::new(),
            container_id: None,
            image: String::new(),
            image_id: String::new(),
            outdated: false,
            clients: 0,
        }
    }

    fn ls(width: Option<usize>) -> String {
        let surface = Surface { width, now: NOW.parse().unwrap() };
        let text = table(&Report::Sessions(vec![session("default")]), surface);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(clean("a\x1b[31m\n\t\u{9b}b\u{202e}c"), "a\\u{1b}[31m\\n\\t\\u{9b}b\\u{202e}c");
        assert_eq!(clean("ä 漢 'q'"), "ä 漢 'q'");
        assert!(ls(None).ends_with("/home/user/\\u{1b}]0;title\\u{7}project"));
    }

    #[test]
    fn columns_are_left_out_from_the_right_where_the_terminal_is_narrow() {
        let header = |width| ls(width).lines().next().unwrap().to_owned();
        assert_eq!(header(None), "NAME      AGENT    STATUS    UPTIME   CREATED     PROJECT");
        assert_eq!(header(Some(60)), "NAME      AGENT    STATUS    UPTIME   CREATED");
        assert_eq!(header(Some(40)), "NAME      AGENT    STATUS    UPTIME");
        assert_eq!(header(Some(10)), "NAME      AGENT    STATUS");
    }

    #[test]
    fn durations_have_two_units() {
        let second = 1_000_000_000;
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (61, "1m 1s"), (7_199, "1h 59m"), (90_000, "1d 1h")]
        {
            assert_eq!(duration(seconds * second), text);
        }
    }
}
