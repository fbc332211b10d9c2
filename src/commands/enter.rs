//! `agent-session enter`: what the shell hooks call, once they found a project file.

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::commands::start;
use crate::commands::{Meant, Outcome};
use crate::config::{Auto, Multiplexer, UserFile};
use crate::context::{Context, Event};
use crate::error::{Error, Result};
use crate::lock;
use crate::project::{self, Here, Project};
use crate::settings::Settings;

/// What takes longer than this is told of.
const LONG: Duration = Duration::from_millis(400);

/// The arguments of `enter`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The directory with the project's file
    #[arg(value_name = "ROOT", value_hint = clap::ValueHint::DirPath)]
    pub root: PathBuf,
    /// Say nothing of a project that is not allowed: this shell has said it before
    #[arg(long)]
    pub again: bool,
}

/// Does what a project asks for when a shell enters it. It never asks and never builds; whatever
/// goes wrong is one line.
///
/// # Errors
/// None: a shell's prompt is not to be disturbed.
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    // Inside a session there is nothing to enter.
    if ctx.var("AGENT_SESSION").is_some() {
        return Ok(Outcome::nothing());
    }
    Ok(enter(ctx, args).unwrap_or_else(|error| {
        ctx.note(line(&error));
        Outcome::nothing()
    }))
}

/// An error in one line, with what to type.
#[must_use]
pub fn line(error: &Error) -> String {
    format!("{error}: {}", error.hint())
}

fn enter(ctx: &Context, args: &Args) -> Result<Outcome> {
    match project::at(ctx, &args.root)? {
        Here::Nowhere | Here::Denied(_) => {}
        Here::Untrusted(_) if args.again => {}
        Here::Untrusted(root) => {
            let root = root.display();
            ctx.note(format!("{root} has a project file that is not allowed: agent-session allow"));
        }
        Here::Trusted(project) => return act(ctx, project),
    }
    Ok(Outcome::nothing())
}

fn act(ctx: &Context, project: Box<Project>) -> Result<Outcome> {
    let request = start::Args::of(None, false);
    let settings = Settings::new(ctx, &UserFile::read(ctx)?, Some(&project), &request)?;
    let name = project.name();
    let hint = |what: &str| {
        ctx.note(format!("{what}: agent-session start"));
        Ok(Outcome::nothing())
    };
    let auto = settings.auto.value;
    let in_multiplexer = ctx.var("TMUX").or(ctx.var("STY")).is_some();
    let may_attach = !in_multiplexer || settings.multiplexer.value == Multiplexer::Attach;
    match auto {
        Auto::Off => return Ok(Outcome::nothing()),
        Auto::Attach if !lock::live_clients(ctx, &name).is_empty() => {
            return hint(&format!("session '{name}' is attached to another terminal"));
        }
        Auto::Attach if may_attach && ctx.can_attach => {}
        Auto::Background => {}
        Auto::Hint | Auto::Attach => return hint(&format!("this project has session '{name}'")),
    }
    let request = start::Args { detach: auto == Auto::Background, ..request };
    let meant = Meant { name: name.clone(), project: Some(project) };
    let outcome =
        saying(ctx, &format!("starting session '{name}'"), || start::start(ctx, &request, meant))?;
    match outcome.attach {
        None => hint(&format!("session '{name}' runs in the background")),
        attach => Ok(Outcome { report: None, attach }),
    }
}

/// Does some work, and says so as long as it goes on, if it goes on for long.
fn saying<T>(ctx: &Context, what: &str, work: impl FnOnce() -> T) -> T {
    let (end, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let teller = scope.spawn(move || {
            if ended.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
                ctx.say(Event::Working(what));
                let _ = ended.recv();
                ctx.say(Event::Worked);
            }
        });
        let result = work();
        drop(end);
        // It ends by itself, and has nothing to say.
        let _ = teller.join();
        result
    })
}
