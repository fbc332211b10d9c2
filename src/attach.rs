//! The edge where a terminal is given to a session and comes back as it was.
//!
//! `podman exec` outlives the terminal it was started on: its inner half stays attached and pins
//! the screen's size. So each terminal is known by a token, here by a lock that the kernel frees
//! and inside by its process; whoever attaches next names the living, and the rest is detached.

use std::io::{IsTerminal, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::commands::Attach;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lock::{Client, live_clients};
use crate::podman;
use crate::process::spawn_error;

const INNER: &str = "/usr/lib/agent-session/attach";
const SIGNALS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
const DETACH: &str = "/usr/lib/agent-session/detach";

/// Remembers where the cursor is: the end of an alternate screen that never began goes back there.
const BEGIN: &[u8] = b"\x1b7";
/// Undoes what Zellij leaves on where it is killed, and some of it where it is not: bracketed
/// paste, the keypad, reports of mouse, focus and colours, a hidden or changed cursor.
const END: &[u8] =
    b"\x1b[?2004l\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\
\x1b[?1015l\x1b[?1004l\x1b[?2026l\x1b[?2031l\x1b[?25h\x1b[0 q\x1b[0m";
/// Ends the keyboard protocol, which each screen has for itself, then the alternate screen. Twice
/// would undo what somebody else began.
const LEAVE_SCREEN: &[u8] = b"\x1b[<u\x1b[>4;0m\x1b[?1049l";

/// How the terminal came back.
#[derive(Debug)]
pub enum Ended {
    /// The user left, or the session ended.
    Left,
    /// The session was stopped from elsewhere.
    Stopped,
    /// A signal took the terminal away: its number.
    Signal(i32),
    /// Podman could not run anything in it: there is no such session, or it does not run.
    NotRunning {
        /// Podman's own.
        words: String,
    },
}

/// How long podman may take to follow its inner half.
const GOODBYE: Duration = Duration::from_secs(1);

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
    let command = ctx.podman.exec_terminal(&container, &variables(ctx, attach)?, &program)?;

    let stdin = std::io::stdin();
    let modes = tcgetattr(&stdin).ok();
    write(BEGIN);
    let detach = || {
        // The container may be gone: then so is the client.
        let _ = ctx.podman.exec(&container, &[DETACH, &client.token]);
    };
    let (status, signal, words) = supervise(command, &detach)?;
    // Where podman refused, nothing of the session ever had the terminal.
    let was_refused = podman::refuses(status.code());
    if !status.success() && signal.is_none() && !was_refused {
        detach();
    }
    restore(modes.as_ref(), !was_refused && was_killed(status));
    ended(attach, status, signal, words)
}

fn ended(attach: &Attach, status: ExitStatus, signal: Option<i32>, words: String) -> Result<Ended> {
    match (signal.or(status.signal()), status.code()) {
        (Some(signal), _) => Ok(Ended::Signal(signal)),
        (None, Some(0)) => Ok(Ended::Left),
        (None, code) if podman::refuses(code) => Ok(Ended::NotRunning { words }),
        (None, Some(137 | 143)) => Ok(Ended::Stopped),
        (None, _) => Err(Error::ServerFailed { name: attach.name.to_string(), stderr: words }),
    }
}

/// Whether podman, or Zellij's client inside, had no time to give the terminal back.
fn was_killed(status: ExitStatus) -> bool {
    status.code().is_none_or(|code| code > 128)
}

/// What the inner half is to know: the terminal, and where the user stands if nobody has looked
/// yet whether that is mounted.
fn variables(ctx: &Context, attach: &Attach) -> Result<Vec<String>> {
    let mut pairs = Vec::new();
    let here = ctx.cwd.to_str().filter(|here| attach.unseen && !here.contains(char::is_control));
    pairs.extend(here.map(|here| format!("AGENT_SESSION_HOST_DIR={here}")));
    for name in ["TERM", "COLORTERM"] {
        pairs.extend(ctx.text_var(name)?.map(|value| format!("{name}={value}")));
    }
    Ok(pairs)
}

/// Runs the attached process. A signal that would end this one detaches the inner half first.
fn supervise(mut command: Command, detach: &dyn Fn()) -> Result<(ExitStatus, Option<i32>, String)> {
    let failed = |source| Error::io("attaching the terminal", source);
    let idle = idle();
    idle.store(false, Ordering::SeqCst);
    let (sender, events) = mpsc::channel();
    let mut signals = Signals::new(SIGNALS).map_err(failed)?;
    let handle = signals.handle();
    let from_signals = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = from_signals.send(Event::Signal(signal));
        }
    });
    die_with_parent(&mut command);
    // Podman's own words come on standard error; all of the session's on the terminal.
    let mut child =
        command.stderr(Stdio::piped()).spawn().map_err(|source| spawn_error("podman", source))?;
    let pid = Pid::from_child(&child);
    let words = drain(&mut child);
    thread::spawn(move || {
        let _ = sender.send(Event::Ended(child.wait()));
    });
    let mut received = None;
    let status = loop {
        // With its inner half podman ends by itself, and all that was printed has arrived.
        let event = match received {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => events.recv_timeout(GOODBYE),
        };
        match event {
            Ok(Event::Signal(signal)) if received.is_none() => {
                received = Some(signal);
                detach();
            }
            Ok(Event::Signal(_)) => {}
            Ok(Event::Ended(status)) => break status.map_err(failed)?,
            Err(RecvTimeoutError::Timeout) => {
                let _ = kill_process(pid, Signal::TERM);
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(failed(std::io::Error::other("podman was lost")));
            }
        }
    };
    handle.close();
    idle.store(true, Ordering::SeqCst);
    Ok((status, received, words.join().unwrap_or_default()))
}

/// Whether signals are to do what they do where nobody listens: who has listened to one once cannot
/// take that back, and Ctrl+C would do nothing at a question that comes after.
fn idle() -> &'static Arc<AtomicBool> {
    static IDLE: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    IDLE.get_or_init(|| {
        let idle = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            // Without it that signal is ignored between two attaches, no more.
            let _ = flag::register_conditional_default(signal, Arc::clone(&idle));
        }
        idle
    })
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

fn restore(modes: Option<&Termios>, was_killed: bool) {
    let stdin = std::io::stdin();
    if let Some(modes) = modes {
        // A terminal that is gone cannot be restored and need not be.
        let _ = tcsetattr(&stdin, OptionalActions::Now, modes);
    }
    if was_killed {
        write(LEAVE_SCREEN);
    }
    write(END);
}

fn write(sequences: &[u8]) {
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        let _ = stdout.write_all(sequences).and_then(|()| stdout.flush());
    }
}
