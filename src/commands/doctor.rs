//! `agent-session doctor`

use crate::commands::Outcome;
use crate::context::Context;
use crate::doctor::{self, Check, Command, Finding, Mend, Verdict};
use crate::error::{Error, Result, last_line};
use crate::report::{CheckReport, DoctorReport, Report};

const EXAMPLES: &str = "\
Examples:
  Find what stands in the way:
    $ agent-session doctor
  Mend what can be mended, after a question each:
    $ agent-session doctor --fix
    > ^agent-session doctor --fix
  The names of the checks that fail:
    $ agent-session doctor --json | jq -r '.checks[] | select(.status == \"failed\").code'
    > agent-session doctor | get checks | where status == failed | get code

It ends with 0 where nothing fails, warnings and notes or not, and with 1 where something does.";

/// Mends may uncover what they hid; so often they are followed up.
const ROUNDS: usize = 3;

/// The arguments of `doctor`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Run the commands that mend what was found
    #[arg(long)]
    pub fix: bool,
    /// Mend everything without asking
    #[arg(short, long, requires = "fix")]
    pub yes: bool,
    /// The commands that the user agreed to, or not.
    #[arg(skip)]
    pub answers: Option<Vec<String>>,
}

/// Checks this machine; mends it where that is asked for, and checks again.
///
/// # Errors
/// [`Error::MendsProposed`] where nobody agreed to a mend yet; [`Error::MendFailed`].
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let mut findings = doctor::examine(ctx)?;
    let mut done: Vec<String> = Vec::new();
    for _ in 0..if args.fix { ROUNDS } else { 0 } {
        let mends = mends(&findings, &done);
        if mends.is_empty() {
            break;
        }
        if !args.yes && args.answers.is_none() {
            return Err(Error::MendsProposed { mends: mends.iter().map(proposal).collect() });
        }
        let agreed = |command: &Command| {
            let shown = command.shown();
            args.yes || args.answers.iter().flatten().any(|answer| *answer == shown)
        };
        for (_, command) in mends.iter().filter(|(_, command)| agreed(command)) {
            mend(ctx, command)?;
        }
        done.extend(mends.iter().map(|(_, command)| command.shown()));
        findings = doctor::examine(ctx)?;
    }
    let checks: Vec<_> = findings.into_iter().map(report).collect();
    Ok(Report::Doctor(DoctorReport::new(checks)).into())
}

/// The commands that mend failures and warnings, each once.
fn mends(findings: &[Finding], done: &[String]) -> Vec<(Check, Command)> {
    let mut all: Vec<(Check, Command)> = Vec::new();
    let mut hurt: Vec<_> =
        findings.iter().filter(|finding| finding.verdict >= Verdict::Warning).collect();
    // Podman may fail for what the others found, and then nothing mends it before they are mended.
    hurt.sort_by_key(|finding| finding.check == Check::Podman);
    for finding in hurt {
        let Mend::Commands(commands) = &finding.mend else { continue };
        for command in commands {
            let known = all.iter().any(|(_, other)| other == command);
            if !known && !done.contains(&command.shown()) {
                all.push((finding.check, command.clone()));
            }
        }
    }
    all
}

fn proposal((check, command): &(Check, Command)) -> (String, String) {
    (doctor::code(*check), command.shown())
}

fn mend(ctx: &Context, command: &Command) -> Result<()> {
    let shown = command.shown();
    ctx.note(format!("mending: {shown}"));
    let mut said = String::new();
    let [program, args @ ..] = command.words.as_slice() else { return Ok(()) };
    let ok = ctx.programs.stream(program, args, |line| {
        said.push_str(line);
        said.push('\n');
    })?;
    if ok {
        return Ok(());
    }
    Err(Error::MendFailed { command: shown, reason: last_line(&said).into(), words: said })
}

fn report(finding: Finding) -> CheckReport {
    CheckReport {
        code: finding.check,
        status: finding.verdict,
        fix: finding.mend.shown(),
        automatic: matches!(finding.mend, Mend::Commands(_)),
        found: finding.found,
        meaning: (!finding.meaning.is_empty()).then_some(finding.meaning),
    }
}
