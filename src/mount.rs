//! What of the host a session sees: checked, canonical, and never anything that would undo the
//! isolation.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, Result};

/// Paths that every new session mounts.
pub const MOUNTS: &str = "AGENT_SESSION_MOUNTS";
/// A knowledge base that every new session mounts.
pub const KOB: &str = "AGENT_SESSION_KOB";
/// Where projects are mounted.
pub const WORKSPACE: &str = "/workspace";
/// Directories of the image that nothing may be mounted over.
const RESERVED_TARGETS: &[&str] =
    &["/", "/proc", "/sys", "/dev", "/run", "/usr", "/bin", "/lib", "/etc", "/home/agent"];

/// Whether a mount can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "read-write and read-only")]
pub enum Mode {
    Rw,
    Ro,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Rw { "rw" } else { "ro" })
    }
}

/// One path of the host's inside a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The canonical path on the host.
    pub source: String,
    /// The absolute path inside.
    pub target: String,
    /// Whether it can be written to.
    pub mode: Mode,
    /// The device number of the source when the session was made.
    pub device: u64,
    /// Its inode number.
    pub inode: u64,
}

impl Mount {
    /// The value of podman's `--mount`. It is CSV: a field with a comma or a quote is quoted.
    #[must_use]
    pub fn argument(&self, relabel: bool) -> String {
        let mut fields = vec![
            "type=bind".to_owned(),
            csv_field(&format!("source={}", self.source)),
            csv_field(&format!("target={}", self.target)),
        ];
        if self.mode == Mode::Ro {
            fields.push("readonly=true".into());
        }
        // Only projects: a label changes who else may use a file, on the host too.
        if relabel && self.is_project() {
            fields.push("relabel=shared".into());
        }
        fields.join(",")
    }

    /// Whether the source is still the file or directory that was agreed to: `podman start`
    /// resolves paths again, and would follow a link that was put in its place.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        fs::symlink_metadata(&self.source)
            .is_ok_and(|now| now.dev() == self.device && now.ino() == self.inode)
            && fs::canonicalize(&self.source).is_ok_and(|path| path == Path::new(&self.source))
    }

    fn is_project(&self) -> bool {
        Path::new(&self.target).starts_with(WORKSPACE)
    }
}

fn csv_field(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

/// The sources of the projects among these mounts, in their order.
#[must_use]
pub fn projects(mounts: &[Mount]) -> Vec<&str> {
    mounts.iter().filter(|mount| mount.is_project()).map(|mount| mount.source.as_str()).collect()
}

/// Projects, and one line for messages that shows them.
#[must_use]
pub fn display(sources: &[&str]) -> String {
    let quoted = sources.iter().map(|source| crate::error::shell_quote(source));
    quoted.collect::<Vec<_>>().join(" ")
}

/// Everything that a new session mounts: its projects and the git directories they need, then
/// `AGENT_SESSION_MOUNTS`, `AGENT_SESSION_KOB` and `--mount`.
///
/// # Errors
/// [`Error::PathNotFound`], [`Error::InvalidPath`], [`Error::InvalidMount`],
/// [`Error::MountForbidden`].
pub fn resolve(ctx: &Context, paths: &[PathBuf], extra: &[String]) -> Result<Vec<Mount>> {
    let forbidden = Forbidden::new(ctx);
    let mut all = workspaces(ctx, paths)?;
    let common: Vec<_> = all.iter().filter_map(|mount| git_common_dir(&mount.source)).collect();
    for directory in common {
        let target = text(&directory)?;
        all.push(bind(&directory, &target, Mode::Rw, None, &forbidden)?);
    }
    all.extend(from_variables(ctx, &forbidden)?);
    all.extend(from_flags(ctx, extra)?);
    without_conflicts(all)
}

/// The mounts of `--mount` alone.
///
/// # Errors
/// Those of [`resolve`].
pub fn from_flags(ctx: &Context, arguments: &[String]) -> Result<Vec<Mount>> {
    let forbidden = Forbidden::new(ctx);
    arguments.iter().map(|argument| from_flag(ctx, argument, &forbidden)).collect()
}

/// The projects alone: one at `/workspace`, several at `/workspace/<directory name>`.
///
/// # Errors
/// Those of [`resolve`].
pub fn workspaces(ctx: &Context, paths: &[PathBuf]) -> Result<Vec<Mount>> {
    let forbidden = Forbidden::new(ctx);
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here[..] } else { paths };
    let mut sources: Vec<PathBuf> = Vec::new();
    for path in paths {
        let source = canonical(&ctx.absolute(path), path, None)?;
        if !source.is_dir() {
            return Err(Error::InvalidPath {
                message: format!("not a directory: {}", text(&source)?),
            });
        }
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    let targets = targets(&sources)?;
    let pairs = sources.iter().zip(targets);
    pairs.map(|(source, target)| bind(source, &target, Mode::Rw, None, &forbidden)).collect()
}

fn targets(sources: &[PathBuf]) -> Result<Vec<String>> {
    if sources.len() == 1 {
        return Ok(vec![WORKSPACE.into()]);
    }
    let mut taken = BTreeSet::new();
    let mut targets = Vec::new();
    for source in sources {
        let name = text(Path::new(source.file_name().unwrap_or(OsStr::new("root"))))?;
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut candidates = std::iter::once(name.clone()).chain(numbered);
        let free = candidates.find(|candidate| taken.insert(candidate.clone()));
        targets.push(format!("{WORKSPACE}/{}", free.unwrap_or(name)));
    }
    Ok(targets)
}

fn from_variables(ctx: &Context, forbidden: &Forbidden) -> Result<Vec<Mount>> {
    let mut mounts = Vec::new();
    let list = ctx.var(MOUNTS).unwrap_or_default().as_bytes();
    for entry in list.split(|byte| *byte == b':').filter(|entry| !entry.is_empty()) {
        let (path, mode) = match entry.strip_suffix(b"+rw") {
            Some(path) => (path, Mode::Rw),
            None => (entry, Mode::Ro),
        };
        let given = ctx.absolute(Path::new(OsStr::from_bytes(path)));
        let source = canonical(&given, &given, Some(MOUNTS))?;
        mounts.push(bind(&source, &text(&given)?, mode, Some(MOUNTS), forbidden)?);
    }
    if let Some(path) = ctx.var(KOB) {
        let given = ctx.absolute(Path::new(path));
        let source = canonical(&given, &given, Some(KOB))?;
        let target = text(&source)?;
        mounts.push(bind(&source, &target, Mode::Rw, Some(KOB), forbidden)?);
    }
    Ok(mounts)
}

/// One `--mount SRC[:DST][:ro]`. A colon separates only before `ro`, `rw` or an absolute path, so
/// that other paths with a colon can be given; where both readings name something, it is refused.
fn from_flag(ctx: &Context, argument: &str, forbidden: &Forbidden) -> Result<Mount> {
    let (rest, mode) = match argument.rsplit_once(':') {
        Some((rest, "ro")) => (rest, Mode::Ro),
        Some((rest, "rw")) => (rest, Mode::Rw),
        _ => (argument, Mode::Rw),
    };
    if rest.is_empty() || rest.starts_with(":/") {
        return Err(Error::InvalidMount { message: format!("empty source: --mount '{argument}'") });
    }
    let whole = ctx.absolute(Path::new(rest));
    let split = rest.rfind(":/").map(|at| (&rest[..at], &rest[at + 1..]));
    let (given, target) = match split {
        Some((source, target)) if !whole.exists() => {
            (ctx.absolute(Path::new(source)), Some(target.to_owned()))
        }
        Some((source, _)) if ctx.absolute(Path::new(source)).exists() => {
            let message = format!("ambiguous: {rest} and {source} both exist");
            return Err(Error::InvalidMount { message });
        }
        _ => (whole, None),
    };
    let source = canonical(&given, &given, None)?;
    let target = match target {
        Some(target) => target,
        None => text(&given)?,
    };
    bind(&source, &target, mode, None, forbidden)
}

fn bind(
    source: &Path,
    target: &str,
    mode: Mode,
    variable: Option<&'static str>,
    forbidden: &Forbidden,
) -> Result<Mount> {
    forbidden.check(source)?;
    let target = checked_target(target)?;
    let missing = |_| Error::PathNotFound { path: source.into(), variable };
    let metadata = fs::metadata(source).map_err(missing)?;
    Ok(Mount { source: text(source)?, target, mode, device: metadata.dev(), inode: metadata.ino() })
}

fn canonical(path: &Path, given: &Path, variable: Option<&'static str>) -> Result<PathBuf> {
    text(path)?;
    let canonical = fs::canonicalize(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            Error::PathNotFound { path: given.into(), variable }
        }
        _ => Error::io(format!("reading {}", path.display()), source),
    })?;
    text(&canonical)?;
    Ok(canonical)
}

/// A path as text: labels, JSON and terminals carry nothing else.
fn text(path: &Path) -> Result<String> {
    let reason = match path.to_str() {
        None => "it is not UTF-8",
        Some(text) if text.chars().any(char::is_control) => "it has a control character",
        Some(text) => return Ok(text.to_owned()),
    };
    let shown = String::from_utf8_lossy(path.as_os_str().as_bytes()).escape_debug().to_string();
    Err(Error::InvalidPath { message: format!("the path '{shown}' cannot be mounted: {reason}") })
}

fn checked_target(target: &str) -> Result<String> {
    let refuse = |why: &str| {
        Err(Error::InvalidMount {
            message: format!("cannot mount at '{}': {why}", target.escape_debug()),
        })
    };
    let path = Path::new(target);
    if !path.is_absolute() {
        return refuse("it is not an absolute path");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return refuse("it has '..' in it");
    }
    if target.chars().any(char::is_control) {
        return refuse("it has a control character");
    }
    let normal: PathBuf = path.components().collect();
    if RESERVED_TARGETS.iter().any(|reserved| normal == Path::new(reserved)) {
        return refuse("the image needs what is there");
    }
    text(&normal)
}

fn without_conflicts(mounts: Vec<Mount>) -> Result<Vec<Mount>> {
    let mut kept: Vec<Mount> = Vec::new();
    for mount in mounts {
        match kept.iter().find(|other| other.target == mount.target) {
            None => kept.push(mount),
            Some(same) if same.source == mount.source && same.mode == mount.mode => {}
            Some(other) => {
                let (one, two, target) = (&other.source, &mount.source, &mount.target);
                let message = format!("both {one} and {two} would be mounted at {target}");
                return Err(Error::InvalidMount { message });
            }
        }
    }
    Ok(kept)
}

/// The common git directory of a linked worktree, where `project` is the root of one.
///
/// Git is not asked: it would run what the repository's configuration names. A worktree counts
/// only where the main repository points back at it, so that a file in a project cannot have any
/// directory mounted (see gitrepository-layout(5): `gitdir`, `commondir`).
fn git_common_dir(project: &str) -> Option<PathBuf> {
    let dot_git = Path::new(project).join(".git");
    let line = |path: &Path| Some(fs::read_to_string(path).ok()?.trim_end_matches('\n').to_owned());
    let pointer = dot_git.is_file().then(|| line(&dot_git))??;
    let git_dir = Path::new(project).join(pointer.strip_prefix("gitdir: ")?);
    let common = fs::canonicalize(git_dir.join(line(&git_dir.join("commondir"))?)).ok()?;
    let back = git_dir.join(line(&git_dir.join("gitdir"))?);
    let points_back = fs::canonicalize(back).ok()? == fs::canonicalize(&dot_git).ok()?;
    let inside = fs::canonicalize(&git_dir).ok()?.parent()? == common.join("worktrees");
    (points_back && inside && common.join("objects").is_dir()).then_some(common)
}

/// What is not mounted, whoever asks.
struct Forbidden(Vec<(PathBuf, &'static str)>);

impl Forbidden {
    fn new(ctx: &Context) -> Self {
        const KEYS: &str = "it holds keys";
        const ENGINE: &str = "it belongs to the container engine";
        const OWN: &str = "it holds what agent-session itself trusts";
        const LOGIN: &str = "it is the agent's login on the host";
        const KERNEL: &str = "it belongs to the kernel";
        let in_home = [
            (".ssh", KEYS),
            (".gnupg", KEYS),
            (".aws", KEYS),
            (".kube", KEYS),
            (".config/gcloud", KEYS),
            (".claude", LOGIN),
            (".claude.json", LOGIN),
            (".local/share/opencode/auth.json", LOGIN),
            (".local/share/containers", ENGINE),
            (".config/containers", ENGINE),
        ];
        let of_system = [
            ("/var/lib/containers", ENGINE),
            ("/run/containers", ENGINE),
            ("/run/podman", ENGINE),
            ("/run/docker.sock", ENGINE),
            ("/proc", KERNEL),
            ("/sys", KERNEL),
            ("/dev", KERNEL),
        ];
        let mut all = vec![
            (PathBuf::from("/"), "it is the whole host"),
            (ctx.home.clone(), "it is the whole home directory"),
            (ctx.state_dir(), OWN),
            (ctx.config_dir(), OWN),
        ];
        all.extend(in_home.map(|(path, reason)| (ctx.home.join(path), reason)));
        all.extend(of_system.map(|(path, reason)| (PathBuf::from(path), reason)));
        if let Some(runtime) = ctx.var("XDG_RUNTIME_DIR") {
            all.push((Path::new(runtime).join("podman"), ENGINE));
            all.push((Path::new(runtime).join("containers"), ENGINE));
        }
        let canonical = |path: PathBuf| fs::canonicalize(&path).unwrap_or(path);
        Self(all.into_iter().map(|(path, reason)| (canonical(path), reason)).collect())
    }

    /// Refuses a path that is one of these, contains one, or lies in one. The home directory and
    /// the root contain much that may be mounted: of those only the directory itself, and what
    /// contains it, is refused.
    fn check(&self, source: &Path) -> Result<()> {
        let matches = |(index, (path, _)): &(usize, &(PathBuf, &'static str))| {
            path.starts_with(source) || (*index > 1 && source.starts_with(path))
        };
        match self.0.iter().enumerate().find(matches) {
            None => Ok(()),
            Some((_, (_, reason))) => Err(Error::MountForbidden { path: source.into(), reason }),
        }
    }
}
