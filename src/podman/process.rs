//! Processes of podman's: run to their end within a deadline, or read line by line.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use wait_timeout::ChildExt;

use crate::error::{Error, Result};

/// What a process left behind.
pub(super) struct Answer {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl Answer {
    pub(super) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }
}

/// Runs a process to its end; `None` where the deadline passed, and it was killed.
pub(super) fn run(
    mut command: Command,
    stdin: &[u8],
    deadline: Duration,
) -> Result<Option<Answer>> {
    // A group of its own, so that a deadline ends podman's helpers too, and so that Ctrl+C never
    // cuts a change in half.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    let mut child = command.spawn().map_err(spawn_error)?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(stdin).map_err(|source| Error::io("writing to podman", source))?;
    }
    let stdout = read_in_background(child.stdout.take());
    let stderr = read_in_background(child.stderr.take());
    let Some(status) = wait(&mut child, deadline)? else { return Ok(None) };
    let stderr = String::from_utf8_lossy(&join(stderr)).into_owned();
    Ok(Some(Answer { status, stdout: join(stdout), stderr }))
}

/// Runs a process to its end, each line of its output and errors as it comes: whether it succeeded.
pub(super) fn stream(mut command: Command, mut line: impl FnMut(&str)) -> Result<bool> {
    let piping = |source| Error::io("making a pipe", source);
    let (reader, writer) = std::io::pipe().map_err(piping)?;
    command.stdin(Stdio::null()).stderr(writer.try_clone().map_err(piping)?).stdout(writer);
    let mut child = command.spawn().map_err(spawn_error)?;
    // The command holds the write end: the pipe ends only when it is gone.
    drop(command);
    for bytes in BufReader::new(reader).split(b'\n') {
        let bytes = bytes.map_err(|source| Error::io("reading podman's output", source))?;
        line(String::from_utf8_lossy(&bytes).trim_end());
    }
    let status = child.wait().map_err(|source| Error::io("waiting for podman", source))?;
    Ok(status.success())
}

/// Why a process of podman's did not start.
pub(crate) fn spawn_error(source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::NotFound => Error::PodmanMissing,
        _ => Error::io("starting podman", source),
    }
}

fn wait(child: &mut Child, deadline: Duration) -> Result<Option<ExitStatus>> {
    let waiting = |source| Error::io("waiting for podman", source);
    let status = child.wait_timeout(deadline).map_err(waiting)?;
    if status.is_none() {
        // It may have ended by itself just now.
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
        child.wait().map_err(waiting)?;
    }
    Ok(status)
}

fn read_in_background(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is to show.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

fn join(thread: thread::JoinHandle<Vec<u8>>) -> Vec<u8> {
    thread.join().unwrap_or_default()
}
