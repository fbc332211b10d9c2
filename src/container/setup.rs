//! The setup of a session: a command of its project's, run once before its agent starts.

use crate::context::{Context, Event};
use crate::error::{Error, Result};
use crate::session::{SessionName, Spec};

/// Runs inside; knows whether the setup was done.
const SCRIPT: &str = include_str!("setup.bash");
/// How many of its last lines are kept for an error.
const TAIL: usize = 20;

/// Makes sure that the setup of a session whose container runs was done. Where it fails the
/// container is stopped, so that no agent starts without it; the next start tries again.
///
/// # Errors
/// [`Error::SetupFailed`] with its last words; those of podman.
pub fn ensure_setup(ctx: &Context, name: &SessionName, spec: &Spec) -> Result<()> {
    let Some(command) = &spec.setup else { return Ok(()) };
    let container = name.container();
    let mut tail = Vec::new();
    ctx.say(Event::Working(&format!("setting up session '{name}'")));
    let done =
        ctx.podman.exec_lines(&container, &["bash", "-c", SCRIPT, "setup", command], |line| {
            ctx.say(Event::BuildLine(line));
            tail.push(line.to_owned());
            if tail.len() > TAIL {
                tail.remove(0);
            }
        });
    ctx.say(Event::Worked);
    if done? {
        return Ok(());
    }
    // What failed first is what is told.
    let _ = ctx.podman.stop(&container);
    Err(Error::SetupFailed { name: name.to_string(), tail: tail.join("\n") })
}
