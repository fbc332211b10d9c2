//! Work that takes long: its output is shown as it comes and kept in a log.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::context::{Context, Event};
use crate::error::{Error, Result};
use crate::lock::make_private;

/// How much of a failed work's log goes into the error.
const TAIL: usize = 30;

/// Does some work that gives its output line by line and says whether it succeeded. `None` where it
/// did, else the end of its output; all of it is in `log`.
pub(super) fn follow(
    ctx: &Context,
    begin: Event<'_>,
    log: &Path,
    work: impl FnOnce(&mut dyn FnMut(&str)) -> Result<bool>,
) -> Result<Option<String>> {
    let writing = |source| Error::io(format!("writing {}", log.display()), source);
    let mut file = fs::File::create(log).map_err(writing)?;
    let mut tail: Vec<String> = Vec::new();
    ctx.say(begin);
    let outcome = work(&mut |line| {
        // The work is worth more than its log.
        let _ = writeln!(file, "{line}");
        tail.push(line.to_owned());
        if tail.len() > TAIL {
            tail.remove(0);
        }
        ctx.say(Event::BuildLine(line));
    });
    ctx.say(Event::BuildEnded { ok: matches!(outcome, Ok(true)) });
    Ok(if outcome? { None } else { Some(tail.join("\n")) })
}

/// The same of a program of the host's, run in a directory: a project's own settings for that
/// program must not reach it.
pub(super) fn follow_program(
    ctx: &Context,
    what: &str,
    directory: &Path,
    program: &str,
    args: &[String],
) -> Result<Option<String>> {
    let log = logs(ctx)?.join(format!("{program}.log"));
    follow(ctx, Event::ToolStarted(what), &log, |line| {
        ctx.programs.within(directory).stream(program, args, line)
    })
}

/// Where logs and build contexts are.
pub(super) fn logs(ctx: &Context) -> Result<PathBuf> {
    let directory = ctx.cache_dir().join("build");
    make_private(&directory)?;
    Ok(directory)
}
