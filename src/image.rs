//! Images: `localhost/agent-session-<agent>`, each on `localhost/agent-session-base`, built from
//! definitions that are staged from this program or from the user's folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use include_dir::{Dir, DirEntry};
use sha2::{Digest, Sha256};

use crate::agent::{self, Agent, Source};
use crate::context::{Context, Event};
use crate::error::{Error, Result};
use crate::lock::{SessionLock, make_private};
use crate::podman::Image;

const PREFIX: &str = "io.agent-session.";
/// The image that all built-in agents stand on.
pub const BASE: &str = "base";
/// How much of a failed build's log goes into the error.
const TAIL: usize = 30;

/// How to build.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Do every step again.
    pub no_cache: bool,
    /// Stand on this image in place of Debian's.
    pub base: Option<String>,
    /// Install this Zellij program, which nothing checks, in place of the pinned release.
    pub zellij: Option<PathBuf>,
}

impl Options {
    fn touch_base(&self) -> bool {
        self.no_cache || self.base.is_some() || self.zellij.is_some()
    }
}

/// What a build made.
#[derive(Debug)]
pub struct Built {
    /// The image.
    pub image: Image,
    /// How long it took.
    pub duration: Duration,
    /// What is inside, by name.
    pub versions: BTreeMap<String, String>,
}

/// The name of an agent's image, with its tag.
#[must_use]
pub fn reference(agent: &str) -> String {
    format!("localhost/agent-session-{agent}:latest")
}

/// All images under the names that this program gives.
///
/// # Errors
/// Those of a query to podman.
pub fn all(ctx: &Context) -> Result<Vec<Image>> {
    ctx.podman.images(&["reference=localhost/agent-session-*".to_owned()])
}

/// Which image each name stands for.
#[derive(Debug, Default)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Asks podman for the image of one agent, or of all.
    ///
    /// # Errors
    /// Those of a query to podman.
    pub fn read(ctx: &Context, agent: Option<&str>) -> Result<Self> {
        let images = match agent {
            Some(agent) => ctx.podman.images_named(&reference(agent))?,
            None => all(ctx)?,
        };
        let pairs = images
            .into_iter()
            .flat_map(|image| image.names.into_iter().map(move |name| (name, image.id.clone())));
        Ok(Self(pairs.collect()))
    }

    /// The id of an agent's image, where it is built.
    #[must_use]
    pub fn id(&self, agent: &str) -> Option<&String> {
        self.0.get(&reference(agent))
    }
}

/// The image of an agent among `images`.
#[must_use]
pub fn find<'a>(images: &'a [Image], agent: &str) -> Option<&'a Image> {
    let reference = reference(agent);
    images.iter().find(|image| image.names.contains(&reference))
}

/// Whether an image was built from another definition than the one at hand.
///
/// # Errors
/// [`Error::Io`] where the user's folder cannot be read.
pub fn is_outdated(image: &Image, agent: &Agent) -> Result<bool> {
    let label = image.labels.get(&format!("{PREFIX}definition"));
    Ok(label != Some(&agent_files(agent)?.digest(&agent.definition.versions)))
}

/// Builds the image of an agent on the base as it is.
///
/// # Errors
/// [`Error::BuildFailed`]; the image that was there before stays in place.
pub fn build(ctx: &Context, agent: &Agent, no_cache: bool) -> Result<Built> {
    let begin = Instant::now();
    let options = Options { no_cache, ..Options::default() };
    build_one(ctx, &agent.name, &agent_files(agent)?, &agent.definition.versions, &options)?;
    finish(ctx, &agent.name, begin)
}

/// Builds the base where it is missing, of another definition, or where the options ask for it.
///
/// # Errors
/// [`Error::BuildFailed`]; the image that was there before stays in place.
pub fn ensure_base(ctx: &Context, options: &Options) -> Result<()> {
    let files = Files::embedded(BASE);
    let versions = agent::built_in_versions(BASE)?;
    let images = all(ctx)?;
    let label = format!("{PREFIX}definition");
    let is_current = find(&images, BASE)
        .is_some_and(|image| image.labels.get(&label) == Some(&files.digest(&versions)));
    if is_current && !options.touch_base() {
        return Ok(());
    }
    build_one(ctx, BASE, &files, &versions, options)
}

fn build_one(
    ctx: &Context,
    name: &str,
    files: &Files,
    versions: &BTreeMap<String, String>,
    options: &Options,
) -> Result<()> {
    let _lock = SessionLock::take_build(ctx, name)?;
    let parent = ctx.cache_dir().join("build");
    make_private(&parent)?;
    let context = parent.join(name);
    stage(files, options.zellij.as_deref(), &context)
        .map_err(|source| Error::io(format!("staging {}", context.display()), source))?;
    let args = arguments(name, files, versions, options, &context);
    let log = parent.join(format!("{name}.log"));
    run(ctx, name, &args, &log)
}

fn run(ctx: &Context, name: &str, args: &[String], log: &Path) -> Result<()> {
    let writing = |source| Error::io(format!("writing {}", log.display()), source);
    let mut file = fs::File::create(log).map_err(writing)?;
    let mut tail: Vec<String> = Vec::new();
    ctx.say(Event::BuildStarted(name));
    let outcome = ctx.podman.build(args, |line| {
        // The build is worth more than its log.
        let _ = writeln!(file, "{line}");
        tail.push(line.to_owned());
        if tail.len() > TAIL {
            tail.remove(0);
        }
        ctx.say(Event::BuildLine(line));
    });
    ctx.say(Event::BuildEnded { ok: matches!(outcome, Ok(true)) });
    if outcome? {
        return Ok(());
    }
    Err(Error::BuildFailed { agent: name.into(), log: log.into(), tail: tail.join("\n") })
}

fn arguments(
    name: &str,
    files: &Files,
    versions: &BTreeMap<String, String>,
    options: &Options,
    context: &Path,
) -> Vec<String> {
    let label = |key: &str, value: &str| format!("--label={PREFIX}{key}={value}");
    let mut args = vec![
        "--pull=missing".to_owned(),
        format!("--tag={}", reference(name)),
        label("image", name),
        label("definition", &files.digest(versions)),
        label("version", env!("CARGO_PKG_VERSION")),
    ];
    for (key, value) in versions {
        args.push(format!("--build-arg={key}={value}"));
        args.push(label(&format!("version.{}", key.to_lowercase()), value));
    }
    args.extend(options.no_cache.then(|| "--no-cache".into()));
    args.extend(options.base.as_ref().map(|base| format!("--build-arg=BASE={base}")));
    args.push(format!("--file={}", context.join("Containerfile").display()));
    args.push(context.display().to_string());
    args
}

fn finish(ctx: &Context, name: &str, begin: Instant) -> Result<Built> {
    let images = all(ctx)?;
    let image = find(&images, name).cloned().ok_or_else(|| Error::PodmanFailed {
        operation: "podman build".into(),
        stderr: format!("{} is not there after it was built", reference(name)),
    })?;
    let text = ctx.podman.run_once(&image.id, &["/usr/lib/agent-session/versions"])?;
    let versions = serde_json::from_str(&text).map_err(|_| Error::PodmanFailed {
        operation: "podman run".into(),
        stderr: format!(
            "the image of '{name}' does not say what is in it; does its Containerfile stand on {}?",
            reference(BASE)
        ),
    })?;
    Ok(Built { image, duration: begin.elapsed(), versions })
}

fn stage(files: &Files, zellij: Option<&Path>, context: &Path) -> std::io::Result<()> {
    if context.exists() {
        fs::remove_dir_all(context)?;
    }
    for (path, contents) in &files.0 {
        let path = context.join(path);
        fs::create_dir_all(path.parent().unwrap_or(context))?;
        fs::write(path, contents)?;
    }
    if let Some(program) = zellij {
        fs::copy(program, context.join("zellij/zellij"))?;
    }
    Ok(())
}

/// The files of a build context, by their path in it.
struct Files(BTreeMap<PathBuf, Vec<u8>>);

fn agent_files(agent: &Agent) -> Result<Files> {
    match &agent.source {
        Source::BuiltIn => Ok(Files::embedded(&agent.name)),
        Source::User(folder) => Files::read(folder)
            .map_err(|source| Error::io(format!("reading {}", folder.display()), source)),
    }
}

impl Files {
    fn embedded(name: &str) -> Self {
        let mut files = BTreeMap::new();
        if let Some(dir) = agent::IMAGES.get_dir(name) {
            collect(dir, Path::new(name), &mut files);
        }
        Self(files)
    }

    fn read(folder: &Path) -> std::io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(current) = folders.pop() {
            for entry in fs::read_dir(current)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let relative = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                    files.insert(relative, fs::read(&path)?);
                }
            }
        }
        Ok(Self(files))
    }

    fn digest(&self, versions: &BTreeMap<String, String>) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        for (path, contents) in &self.0 {
            part(path.as_os_str().as_encoded_bytes());
            part(contents);
        }
        for (key, value) in versions {
            part(key.as_bytes());
            part(value.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}

fn collect(dir: &Dir<'_>, root: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, root, files),
            DirEntry::File(file) => {
                let path = file.path().strip_prefix(root).unwrap_or(file.path()).to_owned();
                files.insert(path, file.contents().to_vec());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_changes_with_every_byte_name_and_version() {
        let files = |path: &str, text: &str| Files([(path.into(), text.into())].into());
        let none = BTreeMap::new();
        let digest = files("a", "b").digest(&none);
        assert_ne!(digest, files("a", "c").digest(&none));
        assert_ne!(digest, files("ab", "").digest(&none));
        assert_ne!(digest, files("a", "b").digest(&[("X".into(), "1".into())].into()));
        assert_eq!(digest.len(), 64);
    }

    #[test]
    fn build_contexts_are_embedded_with_paths_of_their_own() {
        let files = Files::embedded(BASE).0;
        assert!(files.contains_key(Path::new("Containerfile")));
        assert!(files.contains_key(Path::new("zellij/config.kdl")));
    }
}
