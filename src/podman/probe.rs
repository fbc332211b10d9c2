//! A container that is started to see whether one can be.

use std::time::Duration;

use serde::Deserialize;

use super::{Podman, expect_ok, query, to_args};
use crate::error::Result;
use crate::process;

/// The image that is made where none of this program's is built, out of nothing: what is run is the
/// program that podman itself brings for `--init`.
const EMPTY: &str = "localhost/agent-session-probe:latest";
/// An archive without a file: two blocks of zeros (POSIX.1-1988, ustar).
const ARCHIVE: [u8; 1024] = [0; 1024];
const PROGRAM: [&str; 2] = ["/run/podman-init", "--version"];
/// A container that takes longer does not start.
const DEADLINE: Duration = Duration::from_secs(20);

/// What podman says of itself (`podman info`).
#[derive(Debug, Deserialize)]
pub struct Info {
    /// The machine that containers run on.
    pub host: InfoHost,
    /// Where images and containers are.
    pub store: InfoStore,
}

/// A part of [`Info`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InfoHost {
    /// The program that makes containers.
    #[serde(default)]
    pub oci_runtime: InfoRuntime,
    /// The kernel's version.
    #[serde(default)]
    pub kernel: String,
}

/// A part of [`InfoHost`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InfoRuntime {
    /// Its name: `runc`, `crun`.
    pub name: String,
    /// Its version, in its own words: several lines.
    pub version: String,
    /// The package it comes from, in the distribution's words.
    pub package: String,
}

/// A part of [`Info`].
#[derive(Debug, Deserialize)]
pub struct InfoStore {
    /// How layers are stored: `overlay`, `vfs`, …
    #[serde(rename = "graphDriverName")]
    pub driver: String,
    /// Where.
    #[serde(rename = "graphRoot")]
    pub root: String,
    /// The containers in it.
    #[serde(default, rename = "containerStore")]
    pub containers: InfoCount,
    /// The images in it.
    #[serde(default, rename = "imageStore")]
    pub images: InfoCount,
}

/// A part of [`InfoStore`].
#[derive(Debug, Default, Deserialize)]
pub struct InfoCount {
    /// How many there are.
    pub number: u64,
}

/// A virtual machine of podman's (`podman machine list`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub running: bool,
}

/// A container to be started in several ways. Its image goes with it, if it was made for it.
#[derive(Debug)]
pub struct Probe<'a> {
    podman: &'a Podman,
    identity: Vec<String>,
    image: String,
}

impl Podman {
    /// Podman's version: `4.3.1`. It tells it without its storage, so that a broken one does too.
    ///
    /// # Errors
    /// [`crate::error::Error::PodmanMissing`], [`crate::error::Error::PodmanTimeout`],
    /// [`crate::error::Error::PodmanFailed`].
    pub fn version(&self) -> Result<String> {
        let answer = self.run(&to_args(["--version"]), None, self.query_deadline)?;
        let text = expect_ok("podman --version", answer)?.stdout();
        Ok(text.split_whitespace().last().unwrap_or_default().to_owned())
    }

    /// What podman says of itself.
    ///
    /// # Errors
    /// Those of a query.
    pub fn info(&self) -> Result<Info> {
        query::parse("podman info", &self.query(["info", "--format", "json"])?)
    }

    /// The virtual machines, where podman needs one; `None` where it does not, or cannot say.
    #[must_use]
    pub fn machines(&self) -> Option<Vec<Machine>> {
        if cfg!(target_os = "linux") {
            return None;
        }
        let answer = self.query(["machine", "list", "--format", "json"]).ok()?;
        serde_json::from_slice(&answer.stdout).ok()
    }

    /// Makes a probe for containers with this map of ids.
    ///
    /// # Errors
    /// Those of a query; [`crate::error::Error::PodmanFailed`] where no image can be made.
    pub fn probe(&self, identity: Vec<String>) -> Result<Probe<'_>> {
        let images = self.images(&["reference=localhost/agent-session-*".into()])?;
        if let Some(ours) = images.iter().find(|image| !image.names.is_empty()) {
            return Ok(Probe { podman: self, identity, image: ours.id.clone() });
        }
        let args = to_args(["import", "--quiet", "-", EMPTY]);
        expect_ok("podman import", self.run(&args, Some(&ARCHIVE), DEADLINE)?)?;
        Ok(Probe { podman: self, identity, image: EMPTY.into() })
    }

    /// The names of all containers, also of those that a `create` which was killed left reserved.
    ///
    /// # Errors
    /// Those of a query.
    pub fn reserved_names(&self) -> Result<Vec<String>> {
        let answer = self.query(["ps", "--all", "--external", "--format", "{{.Names}}"])?;
        Ok(answer.stdout().lines().map(|line| line.trim().to_owned()).collect())
    }

    /// The command lines of all processes in a running container.
    ///
    /// # Errors
    /// [`crate::error::Error::PodmanFailed`], [`crate::error::Error::PodmanTimeout`].
    pub fn processes(&self, container: &str) -> Result<Vec<String>> {
        let answer = self.run(&to_args(["top", container, "args"]), None, self.query_deadline)?;
        let text = expect_ok("podman top", answer)?.stdout();
        Ok(text.lines().skip(1).map(|line| line.trim().to_owned()).collect())
    }
}

impl Probe<'_> {
    /// Starts the container without a network, with these options of podman's own and of
    /// `podman run`; podman's words where it does not start.
    ///
    /// # Errors
    /// [`crate::error::Error::PodmanMissing`], [`crate::error::Error::Io`].
    pub fn run(
        &self,
        own: &[String],
        options: &[String],
    ) -> Result<std::result::Result<(), String>> {
        self.start(own, &[&["--network=none".to_owned()], options].concat())
    }

    /// The same with the network that sessions have.
    ///
    /// # Errors
    /// Those of [`Probe::run`].
    pub fn run_with_network(&self) -> Result<std::result::Result<(), String>> {
        self.start(&[], &[])
    }

    fn start(&self, own: &[String], options: &[String]) -> Result<std::result::Result<(), String>> {
        let fixed = ["run", "--rm", "--pull=never", "--init", "--cap-drop=all"];
        let fixed =
            [&fixed[..], &["--security-opt=no-new-privileges", "--user=1000:1000"]].concat();
        let fixed: Vec<String> = fixed.into_iter().map(Into::into).collect();
        let image = [vec![self.image.clone()], to_args(PROGRAM)].concat();
        let args = [own, &fixed, &self.identity, options, &image].concat();
        let command = self.podman.command(&args)?;
        let interrupt = self.podman.programs.interrupt();
        let Some(answer) = process::run(command, &[], DEADLINE, interrupt)? else {
            return Ok(Err(format!("podman run did not end within {} s", DEADLINE.as_secs())));
        };
        Ok(if answer.status.success() { Ok(()) } else { Err(answer.stderr) })
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        if self.image == EMPTY {
            // It is a kilobyte, and the next probe takes it over.
            let _ = self.podman.act(["rmi", EMPTY]);
        }
    }
}
