//! What `doctor` found, for people: what is well in a line, what is not with what mends it.

use std::fmt::Write as _;

use anstyle::AnsiColor;

use super::{clean, coloured};
use crate::doctor::{Verdict, code};
use crate::report::{CheckReport, DoctorReport};

/// The checks, those that are well first, and the next command to type.
pub(super) fn table(report: &DoctorReport) -> String {
    let mut out = String::new();
    for check in &report.checks {
        let _ = writeln!(
            out,
            "{} {}: {}",
            mark(check.status),
            code(check.code).replace('_', " "),
            clean(&check.found)
        );
        for line in details(check) {
            let _ = writeln!(out, "         {line}");
        }
    }
    out.push_str(&next(report));
    out
}

fn details(check: &CheckReport) -> Vec<String> {
    if check.status == Verdict::Ok {
        return Vec::new();
    }
    let meaning = check.meaning.iter().map(|meaning| clean(meaning));
    let fix =
        check.fix.iter().map(|fix| format!("{} {}", coloured("$", AnsiColor::Cyan), clean(fix)));
    meaning.chain(fix).collect()
}

fn mark(verdict: Verdict) -> String {
    let (word, colour) = match verdict {
        Verdict::Ok => ("ok      ", AnsiColor::Green),
        Verdict::Note => ("note    ", AnsiColor::Cyan),
        Verdict::Unknown => ("unknown ", AnsiColor::Yellow),
        Verdict::Warning => ("warning ", AnsiColor::Yellow),
        Verdict::Failed => ("failed  ", AnsiColor::Red),
    };
    coloured(word, colour)
}

fn next(report: &DoctorReport) -> String {
    let (failed, warnings) = (report.failed, report.warnings);
    if failed == 0 && warnings == 0 {
        return "All is well. Next: agent-session start".into();
    }
    let mends =
        report.checks.iter().any(|check| check.automatic && check.status >= Verdict::Warning);
    let next = match (mends, failed) {
        (true, _) => "agent-session doctor --fix",
        (false, 0) => "agent-session start",
        (false, _) => "the commands above, then agent-session doctor",
    };
    format!("{failed} failed, {warnings} to be warned of. Next: {next}")
}
