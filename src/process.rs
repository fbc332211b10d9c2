//! The host's programs, run to their end within a deadline, or read line by line. The only place
//! that starts processes, but for the one that gets the terminal.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::fs::Access;
use rustix::process::{Pid, Signal, kill_process_group};
use wait_timeout::ChildExt;
use xshell::Shell;

use crate::error::{Error, Result};

/// What a process left behind.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it said.
    pub stderr: String,
}

impl Answer {
    /// What it printed, as text without the white space around it.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }
}

/// Programs of the host's, found by this environment's `PATH` and run in this environment.
#[derive(Debug, Clone)]
pub struct Programs {
    environment: Vec<(OsString, OsString)>,
}

impl Programs {
    /// Programs that see this environment and nothing else.
    #[must_use]
    pub fn new(environment: Vec<(OsString, OsString)>) -> Self {
        Self { environment }
    }

    /// Where the program of this name is.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let (_, path) = self.environment.iter().find(|(key, _)| key == "PATH")?;
        std::env::split_paths(path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file() && rustix::fs::access(file, Access::EXEC_OK).is_ok())
    }

    /// Runs a program to its end; `None` where the deadline passed, and it was killed.
    ///
    /// # Errors
    /// [`Error::PodmanMissing`], [`Error::Io`]. A program that fails is no error here.
    pub fn run(&self, name: &str, args: &[String], deadline: Duration) -> Result<Option<Answer>> {
        run(self.command(name, args)?, &[], deadline)
    }

    /// Runs a program to its end in the caller's foreground process group, each line of its output
    /// and errors as it comes: whether it succeeded.
    ///
    /// # Errors
    /// [`Error::PodmanMissing`], [`Error::Io`]. A program that fails returns `false`.
    pub fn stream(&self, name: &str, args: &[String], line: impl FnMut(&str)) -> Result<bool> {
        stream(self.command(name, args)?, line)
    }

    /// The command of a program; never through a shell.
    pub(crate) fn command(&self, name: &str, args: &[String]) -> Result<Command> {
        let shell = Shell::new().map_err(|error| {
            Error::io("reading the working directory", std::io::Error::other(error))
        })?;
        let command = shell.cmd(name).args(args).env_clear();
        Ok(command.envs(self.environment.iter().cloned()).into())
    }
}

/// Runs a process to its end; `None` where the deadline passed, and it was killed.
pub(crate) fn run(
    mut command: Command,
    stdin: &[u8],
    deadline: Duration,
) -> Result<Option<Answer>> {
    // A group of its own, so that a deadline ends a program's helpers too, and so that Ctrl+C never
    // cuts a change in half.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    let program = name(&command);
    let mut child = command.spawn().map_err(|source| spawn_error(&program, source))?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(stdin)
            .map_err(|source| Error::io(format!("writing to {program}"), source))?;
    }
    let stdout = read_in_background(child.stdout.take());
    let stderr = read_in_background(child.stderr.take());
    let Some(status) = wait(&mut child, &program, deadline)? else { return Ok(None) };
    let stderr = String::from_utf8_lossy(&join(stderr)).into_owned();
    Ok(Some(Answer { status, stdout: join(stdout), stderr }))
}

/// Runs a process to its end, each line of its output and errors as it comes: whether it succeeded.
pub(crate) fn stream(mut command: Command, mut line: impl FnMut(&str)) -> Result<bool> {
    let piping = |source| Error::io("making a pipe", source);
    let (reader, writer) = std::io::pipe().map_err(piping)?;
    command.stdin(Stdio::null()).stderr(writer.try_clone().map_err(piping)?).stdout(writer);
    let program = name(&command);
    let mut child = command.spawn().map_err(|source| spawn_error(&program, source))?;
    // The command holds the write end: the pipe ends only when it is gone.
    drop(command);
    for bytes in BufReader::new(reader).split(b'\n') {
        let bytes =
            bytes.map_err(|source| Error::io(format!("reading {program}'s output"), source))?;
        line(String::from_utf8_lossy(&bytes).trim_end());
    }
    let status =
        child.wait().map_err(|source| Error::io(format!("waiting for {program}"), source))?;
    Ok(status.success())
}

/// Why a process did not start.
pub(crate) fn spawn_error(program: &str, source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::NotFound if program == "podman" => Error::PodmanMissing,
        _ => Error::io(format!("starting {program}"), source),
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn wait(child: &mut Child, program: &str, deadline: Duration) -> Result<Option<ExitStatus>> {
    let waiting = |source| Error::io(format!("waiting for {program}"), source);
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
