//! The project of a directory: where its root is, and what its file says, if the user allowed that
//! it says anything.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{self, ProjectFile};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::mount::{self, Mount};
use crate::report::Trust;
use crate::session::SessionName;
use crate::trust::{self, Snapshot, Store, Verdict};

/// A project's file with every setting as a comment.
pub const TEMPLATE: &str = include_str!("project/template.toml");

/// What a directory is part of.
#[derive(Debug)]
pub enum Here {
    /// No project.
    Nowhere,
    /// One that nobody allowed as it is now: its root. Its file was not parsed, and was not opened
    /// where nobody ever allowed it.
    Untrusted(PathBuf),
    /// One that was denied: its root. Its file was not opened.
    Denied(PathBuf),
    /// One that was allowed.
    Trusted(Box<Project>),
}

/// A project with a file that may be followed.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its canonical root.
    pub root: PathBuf,
    /// What its file says.
    pub file: ProjectFile,
    /// Its paths and mounts as they were when it was allowed.
    allowed: Vec<Mount>,
}

impl Project {
    fn parse(snapshot: &Snapshot, allowed: Vec<Mount>) -> Result<Self> {
        let root = snapshot.root.clone();
        let file = config::parse(&snapshot.bytes, &root.join(trust::FILE))?;
        Ok(Self { root, file, allowed })
    }

    /// The name of its session.
    #[must_use]
    pub fn name(&self) -> SessionName {
        self.file.name.clone().unwrap_or_else(|| SessionName::of_directory(&self.root))
    }

    /// What it works on: its root, then its further paths.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let further = self.file.paths.iter().map(|path| self.root.join(path));
        std::iter::once(self.root.clone()).chain(further).collect()
    }

    /// Its mounts, as `--mount` takes them.
    #[must_use]
    pub fn mounts(&self, ctx: &Context) -> Vec<String> {
        let entries = self.file.mounts.iter();
        entries.map(|entry| config::absolute_mount(ctx, &self.root, entry)).collect()
    }

    /// Everything that its paths and mounts lead to now.
    ///
    /// # Errors
    /// Those of [`mount::resolve`].
    pub fn resolve(&self, ctx: &Context) -> Result<Vec<Mount>> {
        let mut all = mount::workspaces(ctx, &self.paths())?;
        all.extend(mount::from_flags(ctx, &self.mounts(ctx))?);
        Ok(all)
    }

    /// Refuses paths and mounts that lead elsewhere than when they were allowed.
    ///
    /// # Errors
    /// [`Error::ProjectUntrusted`]; those of [`Project::resolve`].
    pub fn check_mounts(&self, ctx: &Context) -> Result<()> {
        if self.resolve(ctx)? == self.allowed {
            return Ok(());
        }
        let reason = "names paths that lead elsewhere than when it was allowed";
        Err(Error::ProjectUntrusted { root: self.root.clone(), reason })
    }
}

/// The project that a directory is in.
///
/// # Errors
/// [`Error::InvalidConfig`] of a file that was allowed; [`Error::Io`].
pub fn of(ctx: &Context, directory: &Path) -> Result<Here> {
    match root_above(directory) {
        None => Ok(Here::Nowhere),
        Some(root) => at(ctx, &root),
    }
}

/// The project with this root.
///
/// # Errors
/// Those of [`of`].
pub fn at(ctx: &Context, root: &Path) -> Result<Here> {
    let root = canonical(root)?;
    if !has_file(&root) {
        return Ok(Here::Nowhere);
    }
    Ok(match Store::of(ctx).verdict(&root)? {
        Verdict::Denied => Here::Denied(root),
        Verdict::Unknown => Here::Untrusted(root),
        Verdict::Allowed(snapshot, mounts) => {
            Here::Trusted(Box::new(Project::parse(&snapshot, mounts)?))
        }
    })
}

/// What was said of the project with this root.
///
/// # Errors
/// Those of [`at`].
pub fn trust(ctx: &Context, root: &Path) -> Result<Trust> {
    Ok(match at(ctx, root)? {
        Here::Trusted(_) => Trust::Trusted,
        Here::Denied(_) => Trust::Denied,
        Here::Untrusted(_) | Here::Nowhere => Trust::Untrusted,
    })
}

/// The project with this root, whatever was said of it, and its file's bytes: for the user to see
/// before they allow it.
///
/// # Errors
/// Those of [`at`]; [`Error::PathNotFound`] where there is no file.
pub fn unchecked(root: &Path) -> Result<(Snapshot, Project)> {
    let snapshot = Snapshot::read(canonical(root)?)?;
    let project = Project::parse(&snapshot, Vec::new())?;
    Ok((snapshot, project))
}

/// The nearest directory at or above this one that has a project file, in whatever form.
#[must_use]
pub fn root_above(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().find(|folder| has_file(folder)).map(Into::into)
}

fn has_file(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(trust::FILE)).is_ok()
}

fn canonical(root: &Path) -> Result<PathBuf> {
    fs::canonicalize(root)
        .map_err(|source| Error::io(format!("reading {}", crate::error::shown(root)), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_asks_for_nothing_and_all_its_comments_are_settings() {
        let parse = |text: &str| config::parse::<ProjectFile>(text.as_bytes(), Path::new("f"));
        assert_eq!(parse(TEMPLATE).unwrap(), ProjectFile::default());
        let lines = TEMPLATE.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest,
            _ => line,
        });
        let all = parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        assert!(all.name.is_some() && all.agent.is_some() && all.args.is_some());
        assert!(all.auto.is_some() && all.setup.is_some());
        assert_eq!((all.paths.len(), all.mounts.len(), all.env.len()), (1, 1, 2));
        assert!(all.limits.memory.is_some() && all.limits.pids.is_some());
        assert!(all.limits.cpus.is_some());
    }
}
