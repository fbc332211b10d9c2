//! `agent-session allow`

use std::path::{Path, PathBuf};

use crate::commands::Outcome;
use crate::container;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::mount::Mount;
use crate::project::{self, Project};
use crate::render;
use crate::report::{AllowReport, Asked, MountReport, Report, Trust};
use crate::trust::{self, Store};

const EXAMPLES: &str = "\
Examples:
  See what the project around asks for:
    $ agent-session allow --dry-run
  Allow it, as it is now:
    $ agent-session allow
  Another one:
    $ agent-session allow ~/projects/webapp";

/// The arguments of `allow`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// A directory in the project [default: the current one]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub path: Option<PathBuf>,
    /// Only show what would be allowed
    #[arg(long)]
    pub dry_run: bool,
}

/// Shows what a project's file asks for, then lets it have its say until it changes.
///
/// # Errors
/// [`Error::ProjectNotFound`], [`Error::InvalidConfig`], [`Error::ProjectUntrusted`]; those of the
/// project's mounts.
pub fn run(ctx: &Context, args: &Args) -> Result<Outcome> {
    let directory = directory(ctx, args.path.as_deref())?;
    let store = Store::of(ctx);
    let Some(root) = project::root_above(&directory) else {
        return forget(&store, &directory, args.dry_run);
    };
    let (snapshot, project) = project::unchecked(&root)?;
    let mounts = project.resolve(ctx)?;
    for entry in crate::config::env_entries(&project.file.env) {
        container::env_pair(ctx, &entry)?;
    }
    let trust = if args.dry_run { project::trust(ctx, &root)? } else { Trust::Trusted };
    let asks = describe(&project, &mounts);
    if !args.dry_run {
        ctx.note(format!("allows {}:", root.display()));
        for line in render::asked(&asks) {
            ctx.note(line);
        }
        store.allow(&snapshot, mounts, ctx.now())?;
    }
    Ok(report(&root, trust, args.dry_run, Some(asks)))
}

fn report(project: &Path, trust: Trust, dry_run: bool, asks: Option<Asked>) -> Outcome {
    let project = project.to_string_lossy().into_owned();
    Report::Allowed(Box::new(AllowReport { project, trust, dry_run, asks })).into()
}

/// The directory that a path stands for: a project's file stands for its own.
///
/// # Errors
/// [`Error::PathNotFound`].
pub(super) fn directory(ctx: &Context, given: Option<&Path>) -> Result<PathBuf> {
    let path = ctx.absolute(given.unwrap_or(Path::new("")));
    let path = match path.file_name() {
        Some(name) if name == trust::FILE => path.parent().unwrap_or(&path),
        _ => &path,
    };
    let missing = |_| Error::PathNotFound { path: path.into(), variable: None };
    std::fs::canonicalize(path).map_err(missing)
}

/// Takes back the denial of a directory that is in no project.
fn forget(store: &Store, directory: &Path, dry_run: bool) -> Result<Outcome> {
    if !store.is_denied(directory) {
        return Err(Error::ProjectNotFound { directory: directory.into() });
    }
    if !dry_run {
        store.forget(directory)?;
    }
    let trust = if store.is_denied(directory) { Trust::Denied } else { Trust::Untrusted };
    Ok(report(directory, trust, dry_run, None))
}

fn describe(project: &Project, mounts: &[Mount]) -> Asked {
    let file = &project.file;
    Asked {
        name: project.name().to_string(),
        agent: file.agent.clone(),
        args: file.args.clone().unwrap_or_default(),
        setup: file.setup.clone(),
        mounts: mounts.iter().map(MountReport::new).collect(),
        environment: file.env.keys().cloned().collect(),
        limits: (&file.limits).into(),
        auto: file.auto.unwrap_or_default(),
    }
}
