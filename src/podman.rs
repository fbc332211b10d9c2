//! Podman, through its command line.
//!
//! Every call has a deadline, a scrubbed environment and arguments that are never parsed by a
//! shell. Decisions are taken on exit codes and JSON, never on podman's words; those are kept as
//! the cause of an error.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::{Error, Result};
use crate::process::{self, Answer, Programs};

mod environment;
mod probe;
mod query;
mod registry;
mod wire;

pub use probe::{Info, Machine, Probe};
pub use wire::{Container, ContainerState, Details, Image, Volume};

/// The deadline of a question to podman, unless `AGENT_SESSION_PODMAN_TIMEOUT` sets another.
const QUERY: Duration = Duration::from_secs(5);
/// The same for a user who asked for nothing.
const HURRY: Duration = Duration::from_secs(2);
/// The deadline of a change: the first start of an image under a new id mapping copies its layers.
const ACTION: Duration = Duration::from_mins(3);

/// What has a meaning in CSV, and the sign that encodes it.
const NOT_CSV: &AsciiSet = &CONTROLS.add(b'"').add(b',').add(b'%');

/// The engine.
#[derive(Debug, Clone)]
pub struct Podman {
    programs: Programs,
    proxies: Vec<(OsString, OsString)>,
    remote: bool,
    query_deadline: Duration,
}

impl Podman {
    /// Podman as the environment of these programs configures it.
    #[must_use]
    pub fn new(programs: &Programs) -> Self {
        let environment = programs.environment();
        let remote = cfg!(not(target_os = "linux"))
            || environment.iter().any(|(key, value)| key == "CONTAINER_HOST" && !value.is_empty());
        Self {
            programs: programs.with_environment(environment::for_all(environment)),
            proxies: environment::for_builds(environment),
            remote,
            query_deadline: environment::seconds(environment, "AGENT_SESSION_PODMAN_TIMEOUT")
                .unwrap_or(QUERY),
        }
    }

    /// How long a question may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.query_deadline
    }

    /// Whether podman runs elsewhere: in its virtual machine (macOS), or behind `CONTAINER_HOST`.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.remote
    }

    /// Has questions answered sooner, or given up.
    pub(crate) fn hurry(&mut self) {
        self.query_deadline = HURRY;
    }

    /// Creates and starts a container: `podman run --detach` with these arguments. Its id.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`]; podman may have left a created container behind.
    pub fn run_detached(&self, args: &[String]) -> Result<String> {
        let head = ["run", "--detach", "--pull=never"].map(String::from);
        let answer = self.run(&[&head, args].concat(), None, ACTION)?;
        Ok(expect_ok("podman run", answer)?.stdout())
    }

    /// Starts a container that exists.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`].
    pub fn start(&self, container: &str) -> Result<()> {
        self.act(["start", container])
    }

    /// Lets a paused container go on.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`].
    pub fn unpause(&self, container: &str) -> Result<()> {
        self.act(["unpause", container])
    }

    /// Stops a container; one that is not running stays as it is.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`].
    pub fn stop(&self, container: &str) -> Result<()> {
        self.act(["stop", "--time", "5", container])
    }

    /// Stops the container of this name if it has this label; it is no error where there is none.
    /// The ids of those that do not run any more.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`], also from a podman that is too old for the filter.
    pub fn stop_labelled(&self, name: &str, label: &str) -> Result<Vec<String>> {
        let name = format!("name=^{}$", name.replace('.', r"\."));
        let args = to_args(["stop", "--time", "5", "--filter", &name, "--filter", label]);
        let answer = expect_ok(&operation(&args), self.run(&args, None, ACTION)?)?;
        Ok(answer.stdout().lines().map(Into::into).collect())
    }

    /// Removes a container in any state, also one whose name alone is reserved by a `create` that
    /// was killed. One name a call: `podman rm --force` of 4.3 returns 0 and removes nothing when
    /// one of several names is missing.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`].
    pub fn remove(&self, container: &str) -> Result<()> {
        self.act(["rm", "--force", "--time", "2", container])
    }

    /// Makes a volume with labels.
    ///
    /// Podman 4.3 reads these labels as CSV, others as they are: what CSV would take apart is
    /// percent-encoded, and decoded when volumes are read.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`], also where it exists.
    pub fn create_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<()> {
        let mut args = to_args(["volume", "create"]);
        args.extend(
            labels.iter().map(|(key, value)| {
                format!("--label={key}={}", utf8_percent_encode(value, NOT_CSV))
            }),
        );
        args.push(name.into());
        expect_ok("podman volume create", self.run(&args, None, ACTION)?).map(drop)
    }

    /// Removes a volume.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`].
    pub fn remove_volume(&self, name: &str) -> Result<()> {
        self.act(["volume", "rm", name])
    }

    /// Stores a secret. Its value goes through standard input, never through an argument.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`], also where it exists.
    pub fn create_secret(&self, name: &str, value: &str) -> Result<()> {
        let args = to_args(["secret", "create", name, "-"]);
        let answer = self.run(&args, Some(value.as_bytes()), ACTION)?;
        expect_ok("podman secret create", answer).map(drop)
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`].
    pub fn remove_secret(&self, name: &str) -> Result<()> {
        self.act(["secret", "rm", name])
    }

    /// Runs a program in a running container: its exit code and what it printed.
    ///
    /// # Errors
    /// [`Error::PodmanMissing`], [`Error::PodmanTimeout`]. A program that fails is no error here.
    pub fn exec(&self, container: &str, program: &[&str]) -> Result<(Option<i32>, String, String)> {
        let args: Vec<String> =
            ["exec", container].iter().chain(program).map(|arg| (*arg).into()).collect();
        let answer = self.run(&args, None, ACTION)?;
        Ok((answer.status.code(), answer.stdout(), answer.stderr))
    }

    /// Runs a program in a running container, each line that it prints as it comes: whether it
    /// succeeded. It may take its time.
    ///
    /// # Errors
    /// [`Error::PodmanMissing`], [`Error::Io`].
    pub fn exec_lines(
        &self,
        container: &str,
        program: &[&str],
        line: impl FnMut(&str),
    ) -> Result<bool> {
        let args: Vec<String> =
            ["exec", container].iter().chain(program).map(|arg| (*arg).into()).collect();
        process::stream(self.command(&args)?, self.programs.interrupt(), line)
    }

    /// Runs a program in a new container of an image that has no network and is removed after it.
    ///
    /// # Errors
    /// [`Error::PodmanFailed`].
    pub fn run_once(&self, image: &str, program: &[&str]) -> Result<String> {
        let head = ["run", "--rm", "--pull=never", "--network=none", image];
        let args: Vec<String> = head.iter().chain(program).map(|arg| (*arg).into()).collect();
        Ok(expect_ok("podman run", self.run(&args, None, ACTION)?)?.stdout())
    }

    /// The command that attaches this terminal to a program in a running container. It is started
    /// by the attach edge, which owns the terminal.
    ///
    /// # Errors
    /// [`Error::Io`] where the working directory is gone.
    pub fn exec_terminal(
        &self,
        container: &str,
        env: &[String],
        program: &[String],
    ) -> Result<Command> {
        // The default detach keys swallow Ctrl-P, which Zellij and readline use.
        let mut args = to_args(["exec", "--interactive", "--tty", "--detach-keys="]);
        args.extend(env.iter().map(|pair| format!("--env={pair}")));
        args.push(container.into());
        args.extend_from_slice(program);
        self.command(&args)
    }

    /// Builds an image: `podman build` with these arguments, each line of its output as it comes.
    ///
    /// Podman stays in the caller's foreground process group: Ctrl+C ends it too.
    ///
    /// # Errors
    /// [`Error::PodmanMissing`], [`Error::Io`]. A build that fails returns `false`.
    pub fn build(&self, args: &[String], line: impl FnMut(&str)) -> Result<bool> {
        let mut head = to_args(["build"]);
        // A build has a network of its own, in which a proxy on this machine is out of reach.
        if !self.remote && environment::names_this_machine(&self.proxies) {
            head.push("--network=host".into());
        }
        let mut command = self.command(&[&head, args].concat())?;
        command.envs(self.proxies.iter().cloned());
        process::stream(command, self.programs.interrupt(), line)
    }

    fn act<const N: usize>(&self, args: [&str; N]) -> Result<()> {
        let answer = self.run(&to_args(args), None, ACTION)?;
        expect_ok(&operation(&to_args(args)), answer).map(drop)
    }

    fn run(&self, args: &[String], stdin: Option<&[u8]>, deadline: Duration) -> Result<Answer> {
        let (command, stdin) = (self.command(args)?, stdin.unwrap_or_default());
        let answer = process::run(command, stdin, deadline, self.programs.interrupt())?;
        answer.ok_or_else(|| Error::PodmanTimeout {
            operation: operation(args),
            seconds: deadline.as_secs(),
        })
    }

    fn command(&self, args: &[String]) -> Result<Command> {
        self.programs.command("podman", args)
    }
}

/// Whether this exit code of `podman exec` is podman's own word, and the program never ran: 125 to
/// 127; 255 from a rootful podman whose container is paused, or dead.
#[must_use]
pub fn refuses(code: Option<i32>) -> bool {
    matches!(code, Some(125..=127 | 255))
}

fn to_args<const N: usize>(args: [&str; N]) -> Vec<String> {
    args.map(String::from).to_vec()
}

/// The verb of a call, for messages: `podman volume create`, without its operands.
fn operation(args: &[String]) -> String {
    let words =
        if matches!(args.first().map(String::as_str), Some("volume" | "secret" | "container")) {
            2
        } else {
            1
        };
    let verb: Vec<_> = args.iter().take(words).map(String::as_str).collect();
    format!("podman {}", verb.join(" "))
}

fn expect_ok(operation: &str, answer: Answer) -> Result<Answer> {
    if answer.status.success() {
        return Ok(answer);
    }
    Err(Error::PodmanFailed { operation: operation.into(), stderr: answer.stderr })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Interrupt;

    fn podman_at(host: &str) -> Podman {
        let environment = vec![("CONTAINER_HOST".into(), host.into())];
        Podman::new(&Programs::new(environment, "/".into(), Interrupt::default()))
    }

    #[test]
    fn a_podman_behind_a_socket_is_remote() {
        assert!(podman_at("ssh://x").is_remote());
        assert!(!podman_at("").is_remote() || cfg!(target_os = "macos"));
    }

    #[test]
    fn messages_name_the_verb_without_operands() {
        assert_eq!(operation(&to_args(["volume", "create", "x"])), "podman volume create");
        assert_eq!(operation(&to_args(["stop", "x"])), "podman stop");
    }
}
