//! The host's programs, run to their end within a deadline, or read line by line. The only place
//! that starts processes, but for the one that gets the terminal.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::Access;
use rustix::process::{Pid, Signal, kill_process_group};
use wait_timeout::ChildExt;
use xshell::Shell;

use crate::error::{Error, Result};

mod interrupt;

pub use interrupt::Interrupt;

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

/// How often a process that is waited for is looked at, where it can be interrupted.
const LOOK: Duration = Duration::from_millis(50);
/// And where it cannot: longer ones than any, but no number that overflows.
const DAY: Duration = Duration::from_hours(24);
/// How long a process that was interrupted has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// Programs of the host's, found by this environment's `PATH` and run in this environment.
#[derive(Debug, Clone)]
pub struct Programs {
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    interrupt: Interrupt,
}

impl Programs {
    /// Programs that see this environment and nothing else, and are run in this directory.
    #[must_use]
    pub fn new(
        environment: Vec<(OsString, OsString)>,
        directory: PathBuf,
        interrupt: Interrupt,
    ) -> Self {
        Self { environment, directory, interrupt }
    }

    /// The directory that they are run in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The environment that they see.
    #[must_use]
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// The same, with another environment.
    #[must_use]
    pub fn with_environment(&self, environment: Vec<(OsString, OsString)>) -> Self {
        Self { environment, ..self.clone() }
    }

    /// The same, run in another directory.
    #[must_use]
    pub fn within(&self, directory: &Path) -> Self {
        Self { directory: directory.into(), ..self.clone() }
    }

    /// What ends them.
    #[must_use]
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
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
        run(self.command(name, args)?, &[], deadline, &self.interrupt)
    }

    /// Runs a program to its end in the caller's foreground process group, each line of its output
    /// and errors as it comes: whether it succeeded.
    ///
    /// # Errors
    /// [`Error::PodmanMissing`], [`Error::Io`]. A program that fails returns `false`.
    pub fn stream(&self, name: &str, args: &[String], line: impl FnMut(&str)) -> Result<bool> {
        stream(self.command(name, args)?, &self.interrupt, line)
    }

    /// The command of a program; never through a shell.
    pub(crate) fn command(&self, name: &str, args: &[String]) -> Result<Command> {
        let shell = Shell::new().map_err(|error| {
            Error::io("reading the working directory", std::io::Error::other(error))
        })?;
        shell.change_dir(&self.directory);
        let command = shell.cmd(name).args(args).env_clear();
        Ok(command.envs(self.environment.iter().cloned()).into())
    }
}

/// Runs a process to its end; `None` where the deadline passed, and it was killed.
pub(crate) fn run(
    mut command: Command,
    stdin: &[u8],
    deadline: Duration,
    interrupt: &Interrupt,
) -> Result<Option<Answer>> {
    // A group of its own, so that a deadline ends a program's helpers too, and so that Ctrl+C never
    // cuts a change in half.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    let program = name(&command);
    interrupt.check(&program)?;
    let mut child = command.spawn().map_err(|source| spawn_error(&program, source))?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(stdin)
            .map_err(|source| Error::io(format!("writing to {program}"), source))?;
    }
    let stdout = read_in_background(child.stdout.take());
    let stderr = read_in_background(child.stderr.take());
    let ended = wait(&mut child, &program, deadline, interrupt)?;
    interrupt.check(&program)?;
    let Some(status) = ended else { return Ok(None) };
    let stderr = String::from_utf8_lossy(&join(stderr)).into_owned();
    Ok(Some(Answer { status, stdout: join(stdout), stderr }))
}

/// Runs a process to its end, each line of its output and errors as it comes: whether it succeeded.
pub(crate) fn stream(
    mut command: Command,
    interrupt: &Interrupt,
    mut line: impl FnMut(&str),
) -> Result<bool> {
    let piping = |source| Error::io("making a pipe", source);
    let (reader, writer) = std::io::pipe().map_err(piping)?;
    command.stdin(Stdio::null()).stderr(writer.try_clone().map_err(piping)?).stdout(writer);
    if interrupt.is_possible() {
        command.process_group(0);
    }
    let program = name(&command);
    interrupt.check(&program)?;
    let mut child = command.spawn().map_err(|source| spawn_error(&program, source))?;
    // The command holds the write end: the pipe ends only when it is gone.
    drop(command);
    let status = thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&mut child, &program, Duration::MAX, interrupt));
        for bytes in BufReader::new(reader).split(b'\n') {
            let bytes =
                bytes.map_err(|source| Error::io(format!("reading {program}'s output"), source))?;
            line(String::from_utf8_lossy(&bytes).trim_end());
        }
        waiting.join().map_err(|_| Error::panicked("waiting"))?
    })?;
    interrupt.check(&program)?;
    Ok(status.is_some_and(|status| status.success()))
}

/// Why a process did not start.
pub(crate) fn spawn_error(program: &str, source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::NotFound if program == "podman" => Error::PodmanMissing,
        _ => Error::io(format!("starting {program}"), source),
    }
}

/// Whether a process of this machine lives; one that has ended and waits for its parent does not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, which may hold anything, ends with the last parenthesis (proc_pid_stat(5)).
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn wait(
    child: &mut Child,
    program: &str,
    deadline: Duration,
    interrupt: &Interrupt,
) -> Result<Option<ExitStatus>> {
    let waiting = |source| Error::io(format!("waiting for {program}"), source);
    let mut status = None;
    let begin = Instant::now();
    while status.is_none() && begin.elapsed() < deadline && !interrupt.is_said() {
        let left = deadline.saturating_sub(begin.elapsed());
        let slice = left.min(if interrupt.is_possible() { LOOK } else { DAY });
        status = child.wait_timeout(slice).map_err(waiting)?;
    }
    if status.is_none() && interrupt.is_said() {
        // Podman finishes what must not be cut in half when it is asked to end.
        let _ = kill_process_group(Pid::from_child(child), Signal::TERM);
        status = child.wait_timeout(GRACE).map_err(waiting)?;
    }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};

    use super::*;

    /// Programs, and the flag that interrupts them.
    fn programs() -> (Programs, Arc<AtomicBool>) {
        let flag = Arc::new(AtomicBool::new(false));
        let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
        (Programs::new(environment, "/".into(), Interrupt::new(Arc::clone(&flag))), flag)
    }

    /// A shell with a child of its own, whose process ids are the lines that it prints.
    fn script() -> [String; 2] {
        ["-c".into(), "echo $$; sleep 1000 & echo $!; wait".into()]
    }

    fn is_interrupted<T>(result: &Result<T>) -> bool {
        matches!(result, Err(Error::Io { source, .. }) if source.kind() == ErrorKind::Interrupted)
    }

    #[test]
    fn an_interrupt_ends_a_program_that_streams_with_all_its_children() {
        let (programs, flag) = programs();
        let mut pids = Vec::new();
        let result = programs.stream("sh", &script(), |line| {
            pids.push(line.to_owned());
            flag.store(pids.len() == 2, Ordering::Relaxed);
        });
        assert!(is_interrupted(&result), "{result:?}");
        // The end of its output is that of both, which hold it open.
        assert_eq!(pids.len(), 2);
    }

    #[test]
    fn an_interrupt_ends_a_program_that_is_waited_for_and_no_other_is_started() {
        let (programs, flag) = programs();
        let (told, tells) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| told.send(programs.run("sleep", &["1000".into()], DAY)));
            assert!(tells.recv_timeout(2 * LOOK).is_err(), "it ended by itself");
            flag.store(true, Ordering::Relaxed);
            assert!(is_interrupted(&tells.recv_timeout(GRACE).unwrap()));
        });
        assert!(is_interrupted(&programs.run("true", &[], DAY)));
        flag.store(false, Ordering::Relaxed);
        assert!(programs.run("true", &[], DAY).unwrap().unwrap().status.success());
    }

    #[test]
    fn programs_are_run_in_their_directory_and_see_their_environment_alone() {
        let (programs, _) = programs();
        let answer = programs.run("env", &[], DAY).unwrap().unwrap();
        assert_eq!(answer.stdout(), "PATH=/usr/bin:/bin");
        assert_eq!(programs.run("pwd", &[], DAY).unwrap().unwrap().stdout(), "/");
    }
}
