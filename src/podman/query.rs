//! What podman is asked.

use serde::de::DeserializeOwned;

use super::{Container, Details, Image, Podman, Volume, expect_ok, operation, to_args};
use crate::error::{Error, Result};
use crate::process::{self, Answer};

/// How often a question is put before podman is taken to be unusable.
const ATTEMPTS: u32 = 4;

impl Podman {
    /// Whether containers run without root's privileges.
    ///
    /// # Errors
    /// Those of a query; a local podman is rootless exactly where its user is not root and is not
    /// asked.
    pub fn is_rootless(&self) -> Result<bool> {
        if !self.remote {
            return Ok(!rustix::process::geteuid().is_root());
        }
        let answer = self.query(["info", "--format", "{{.Host.Security.Rootless}}"])?;
        Ok(answer.stdout() == "true")
    }

    /// Every container that matches the filters (`label=…`, `name=…`).
    ///
    /// # Errors
    /// Those of a query.
    pub fn containers(&self, filters: &[String]) -> Result<Vec<Container>> {
        let mut all: Vec<Container> =
            self.list(["ps", "--all", "--no-trunc", "--format", "json"], filters)?;
        if !self.remote {
            all = all.into_iter().map(|one| one.while_it_lives(process::is_alive)).collect();
        }
        Ok(all)
    }

    /// Every volume that matches the filters.
    ///
    /// # Errors
    /// Those of a query.
    pub fn volumes(&self, filters: &[String]) -> Result<Vec<Volume>> {
        self.list(["volume", "ls", "--format", "json"], filters)
    }

    /// Every image that matches the filters; `--all` because it takes podman long to find out
    /// which images to leave out.
    ///
    /// # Errors
    /// Those of a query.
    pub fn images(&self, filters: &[String]) -> Result<Vec<Image>> {
        self.list(["images", "--all", "--no-trunc", "--format", "json"], filters)
    }

    /// The image of this name, alone: half of what a filter costs podman.
    ///
    /// # Errors
    /// Those of a query.
    pub fn images_named(&self, name: &str) -> Result<Vec<Image>> {
        let args = to_args(["images", "--all", "--no-trunc", "--format", "json", name]);
        parse(&operation(&args), &self.query_args(&args)?)
    }

    /// The names of all secrets.
    ///
    /// # Errors
    /// Those of a query.
    pub fn secrets(&self) -> Result<Vec<String>> {
        let answer = self.query(["secret", "ls", "--format", "{{.Name}}"])?;
        Ok(answer.stdout().lines().map(|line| line.trim().to_owned()).collect())
    }

    /// All that podman knows of one container.
    ///
    /// # Errors
    /// Those of a query; a container that does not exist is [`Error::PodmanFailed`].
    pub fn details(&self, container: &str) -> Result<Details> {
        let args = ["container", "inspect", "--format", "json", container];
        let answer = self.run(&to_args(args), None, self.query_deadline)?;
        let mut all: Vec<Details> =
            parse("podman container inspect", &expect_ok("podman container inspect", answer)?)?;
        all.pop().ok_or_else(|| malformed("podman container inspect", "an empty list"))
    }

    /// Whether there is a container of this name, also one that podman does not list because its
    /// `create` was killed.
    ///
    /// # Errors
    /// [`Error::PodmanMissing`], [`Error::PodmanTimeout`].
    pub fn has_container(&self, container: &str) -> Result<bool> {
        let args = ["container", "exists", "--external", container];
        Ok(self.run(&to_args(args), None, self.query_deadline)?.status.success())
    }

    fn list<T: DeserializeOwned, const N: usize>(
        &self,
        command: [&str; N],
        filters: &[String],
    ) -> Result<Vec<T>> {
        let mut args = to_args(command);
        args.extend(filters.iter().map(|filter| format!("--filter={filter}")));
        parse(&operation(&args), &self.query_args(&args)?)
    }

    pub(super) fn query<const N: usize>(&self, args: [&str; N]) -> Result<Answer> {
        self.query_args(&to_args(args))
    }

    /// A question that a podman that works at all can answer: where it fails, podman is unusable.
    ///
    /// Asked again where it fails: podman's lists fail when another process removes an image or a
    /// container while they are being made ("image not known", podman 4.3).
    fn query_args(&self, args: &[String]) -> Result<Answer> {
        for _ in 1..ATTEMPTS {
            let answer = self.run(args, None, self.query_deadline)?;
            if answer.status.success() {
                return Ok(answer);
            }
        }
        let answer = self.run(args, None, self.query_deadline)?;
        if answer.status.success() { Ok(answer) } else { Err(self.unusable(answer.stderr)) }
    }

    fn unusable(&self, stderr: String) -> Error {
        let version = self.run(&to_args(["--version"]), None, self.query_deadline);
        let found = version.ok().and_then(|answer| version_in(&answer.stdout()));
        match found {
            Some((major, text)) if major < 4 => Error::PodmanTooOld { found: text },
            _ => Error::PodmanUnreachable { stderr, remote: self.remote },
        }
    }
}

pub(super) fn parse<T: DeserializeOwned>(operation: &str, answer: &Answer) -> Result<T> {
    serde_json::from_slice(&answer.stdout).map_err(|error| malformed(operation, &error.to_string()))
}

fn malformed(operation: &str, reason: &str) -> Error {
    Error::PodmanFailed {
        operation: operation.into(),
        stderr: format!("its JSON is not understood: {reason}"),
    }
}

/// The version in `podman version 4.3.1`: its major number and its text.
fn version_in(text: &str) -> Option<(u32, String)> {
    let version = text.split_whitespace().last()?;
    let major = version.split('.').next()?.parse().ok()?;
    Some((major, version.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version_in("podman version 4.3.1"), Some((4, "4.3.1".into())));
        assert_eq!(version_in("podman version 5.0.0-dev"), Some((5, "5.0.0-dev".into())));
        assert_eq!(version_in("garbage"), None);
    }
}
