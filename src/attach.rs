//! The edge where a terminal is given to a session and comes back as it was.
//!
//! `podman exec` outlives the terminal it was started on: its inner half stays attached and pins
//! the screen's size. So each terminal is known by a token, here by a lock that the kernel frees
//! and inside by its process; whoever attaches next names the living, and the rest is detached.

use std::io::{IsTerminal, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::commands::Attach;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lock::{Client, live_clients};

const INNER: &str = "/usr/lib/agent-session/attach";
const DETACH: &str = "/usr/lib/agent-session/detach";

/// Undoes what a full-screen program that was killed leaves behind: alternate screen, mouse and
/// focus reports, bracketed paste, the keyboard protocol, a hidden or changed cursor, colours.
const RESET: &[u8] = b"\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\
\x1b[?2004l\x1b[?2026l\x1b[<u\x1b[>4;0m\x1b[?1l\x1b>\x1b[?25h\x1b[0 q\x1b[0m\r\n";

/// How the terminal came back.
#[derive(Debug)]
pub enum Ended {
    /// The user left, or the session ended.
    Left,
    /// The session was stopped from elsewhere.
    Stopped,
    /// A signal took the terminal away: its number.
    Signal(i32),
    /// There is no such session, or it does not run.
    NotRunning,
}

enum Event {
    Signal(i32),
    Ended(std::io::Result<ExitStatus>),
}

/// Gives this terminal to a session until the user leaves it.
///
/// # Errors
/// [`Error::ServerFailed`] where the session's terminal server cannot be reached;
/// [`Error::PodmanMissing`], [`Error::Io`].
pub fn run(ctx: &Context, attach: &Attach) -> Result<Ended> {
    let client = Client::register(ctx, &attach.name)?;
    let container = attach.name.container();
    let mut program = vec![INNER.to_owned(), client.token.clone()];
    program
        .extend(live_clients(ctx, &attach.name).into_iter().filter(|token| *token != client.token));
    let command = ctx.podman.exec_terminal(&container, &terminal_variables(ctx)?, &program)?;

    let stdin = std::io::stdin();
    let modes = tcgetattr(&stdin).ok();
    let detach = || {
        // The container may be gone: then so is the client.
        let _ = ctx.podman.exec(&container, &[DETACH, &client.token]);
    };
    let (status, signal, words) = supervise(command, &detach)?;
    let clean = status.success();
    if !clean && signal.is_none() && !is_podmans_own(status) {
        detach();
    }
    restore(modes.as_ref(), clean || is_podmans_own(status));
    ended(attach, status, signal, words)
}

fn ended(attach: &Attach, status: ExitStatus, signal: Option<i32>, words: String) -> Result<Ended> {
    match (signal.or(status.signal()), status.code()) {
        (Some(signal), _) => Ok(Ended::Signal(signal)),
        (None, Some(0)) => Ok(Ended::Left),
        (None, Some(125..=127)) => Ok(Ended::NotRunning),
        (None, Some(137 | 143)) => Ok(Ended::Stopped),
        (None, _) => Err(Error::ServerFailed { name: attach.name.to_string(), stderr: words }),
    }
}

/// Whether podman itself refused: nothing of the session ever had the terminal.
fn is_podmans_own(status: ExitStatus) -> bool {
    matches!(status.code(), Some(125..=127))
}

fn terminal_variables(ctx: &Context) -> Result<Vec<String>> {
    let mut pairs = Vec::new();
    for name in ["TERM", "COLORTERM"] {
        pairs.extend(ctx.text_var(name)?.map(|value| format!("{name}={value}")));
    }
    Ok(pairs)
}

/// Runs the attached process. A signal that would end this one detaches the inner half first.
fn supervise(mut command: Command, detach: &dyn Fn()) -> Result<(ExitStatus, Option<i32>, String)> {
    let failed = |source| Error::io("attaching the terminal", source);
    let (sender, events) = mpsc::channel();
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).map_err(failed)?;
    let handle = signals.handle();
    let from_signals = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = from_signals.send(Event::Signal(signal));
        }
    });
    die_with_parent(&mut command);
    // Podman's own words come on standard error; all of the session's on the terminal.
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            Error::PodmanMissing
        } else {
            failed(source)
        }
    })?;
    let pid = Pid::from_child(&child);
    let words = drain(&mut child);
    thread::spawn(move || {
        let _ = sender.send(Event::Ended(child.wait()));
    });
    let mut received = None;
    let status = loop {
        match events.recv() {
            Ok(Event::Signal(signal)) if received.is_none() => {
                received = Some(signal);
                detach();
                let _ = kill_process(pid, Signal::TERM);
            }
            Ok(Event::Signal(_)) => {}
            Ok(Event::Ended(status)) => break status.map_err(failed)?,
            Err(_) => return Err(failed(std::io::Error::other("podman was lost"))),
        }
    };
    handle.close();
    Ok((status, received, words.join().unwrap_or_default()))
}

fn drain(child: &mut Child) -> thread::JoinHandle<String> {
    let pipe = child.stderr.take();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Ends podman where this process is killed outright: two readers on one terminal help nobody.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the only way to run something between fork and exec")]
fn die_with_parent(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes one system call, which is safe to make after fork.
    unsafe {
        command
            .pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?));
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

fn restore(modes: Option<&Termios>, clean: bool) {
    let stdin = std::io::stdin();
    if let Some(modes) = modes {
        // A terminal that is gone cannot be restored and need not be.
        let _ = tcsetattr(&stdin, OptionalActions::Now, modes);
    }
    let mut stdout = std::io::stdout();
    if !clean && stdout.is_terminal() {
        let _ = stdout.write_all(RESET).and_then(|()| stdout.flush());
    }
}
