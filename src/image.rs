//! Images: `localhost/agent-session-<agent>`, each on `localhost/agent-session-base`, built from
//! definitions that are staged from this program or from the user's folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::agent::{self, Agent};
use crate::context::{Context, Event};
use crate::error::{Error, Result};
use crate::lock::SessionLock;
use crate::podman::Image;

mod certificates;
mod debian;
mod files;
mod mirror;
mod work;
mod zellij;

use certificates::Certificates;
pub use certificates::Choice;
use files::Files;

const PREFIX: &str = "io.agent-session.";
/// Which certificates a base image trusts: the digest of the host's, or [`CHOSEN`].
const CERTIFICATES: &str = "certificates";
/// The certificates were chosen by an option: the host's say nothing of what they should be.
const CHOSEN: &str = "chosen";
/// How the parts of a base image came to this machine; the agents' images inherit these labels.
const SOURCE: &str = "source.";
/// The image that all built-in agents stand on.
pub const BASE: &str = "base";

/// How to build.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Do every step again.
    pub no_cache: bool,
    /// Stand on this image in place of Debian's.
    pub base: Option<String>,
    /// Install this Zellij program, which nothing checks, in place of the pinned release.
    pub zellij: Option<PathBuf>,
    /// Trust these certificates.
    pub certificates: Choice,
}

impl Options {
    fn touch_base(&self) -> bool {
        let Self { no_cache, base, zellij, certificates } = self;
        *no_cache || base.is_some() || zellij.is_some() || *certificates != Choice::Host
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
    /// How the parts that are not built came to this machine, by name.
    pub sources: BTreeMap<String, String>,
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
    Ok(label != Some(&Files::of_agent(agent)?.digest(&agent.definition.versions)))
}

/// Builds the image of an agent on the base as it is.
///
/// # Errors
/// [`Error::BuildFailed`]; the image that was there before stays in place.
pub fn build(ctx: &Context, agent: &Agent, no_cache: bool) -> Result<Built> {
    let begin = Instant::now();
    let _lock = SessionLock::take_build(ctx, &agent.name)?;
    let mut recipe = Recipe::new(&agent.name, Files::of_agent(agent)?, &agent.definition.versions);
    recipe.args.extend(no_cache.then(|| "--no-cache".into()));
    recipe.build(ctx)?;
    finish(ctx, &agent.name, begin)
}

/// Builds the base where it is missing, of another definition, trusts other certificates than the
/// host, or where the options ask for it.
///
/// # Errors
/// [`Error::BuildFailed`], [`Error::BaseUnavailable`], [`Error::ZellijUnavailable`]; the image that
/// was there before stays in place.
pub fn ensure_base(ctx: &Context, options: &Options) -> Result<()> {
    let versions = agent::built_in_versions(BASE)?;
    let mut recipe = Recipe::new(BASE, Files::embedded(BASE), &versions);
    let certificates = Certificates::gather(ctx, &options.certificates)?;
    if !options.touch_base() && is_current(ctx, &recipe, &certificates)? {
        return Ok(());
    }
    let _lock = SessionLock::take_build(ctx, BASE)?;
    let foundation = debian::find(ctx, options.base.as_deref(), options.no_cache)?;
    let zellij = zellij::find(ctx, options.zellij.as_deref())?;
    recipe.args.extend(options.no_cache.then(|| "--no-cache".into()));
    recipe.args.push(format!("--build-arg=BASE={}", foundation.image));
    recipe.label(&format!("{SOURCE}base"), foundation.source);
    recipe.label(&format!("{SOURCE}zellij"), zellij.source);
    let chosen = options.certificates != Choice::Host;
    let trusted = if chosen { CHOSEN.into() } else { certificates.digest() };
    recipe.label(CERTIFICATES, &trusted);
    certificates.announce(ctx);
    for (name, pem) in certificates.files() {
        recipe.files.add(name, pem);
    }
    let program = fs::read(&zellij.path)
        .map_err(|source| Error::io(format!("reading {}", zellij.path.display()), source))?;
    recipe.files.add("zellij/zellij", program);
    recipe.build(ctx)
}

/// Whether the base image is there, of this definition, and trusts what it should.
fn is_current(ctx: &Context, recipe: &Recipe<'_>, certificates: &Certificates) -> Result<bool> {
    let images = all(ctx)?;
    let Some(image) = find(&images, BASE) else { return Ok(false) };
    let label = |key: &str| image.labels.get(&format!("{PREFIX}{key}")).map(String::as_str);
    let trusted = label(CERTIFICATES);
    Ok(label("definition") == Some(&recipe.definition)
        && (trusted == Some(CHOSEN) || trusted == Some(&certificates.digest())))
}

/// What an image is built from.
struct Recipe<'a> {
    name: &'a str,
    files: Files,
    /// The digest of the definition, before files of the host's are added to it.
    definition: String,
    args: Vec<String>,
}

impl<'a> Recipe<'a> {
    fn new(name: &'a str, files: Files, versions: &BTreeMap<String, String>) -> Self {
        let definition = files.digest(versions);
        let args = vec!["--pull=missing".to_owned(), format!("--tag={}", reference(name))];
        let mut recipe = Self { name, files, definition: definition.clone(), args };
        recipe.label("image", name);
        recipe.label("definition", &definition);
        recipe.label("version", env!("CARGO_PKG_VERSION"));
        for (key, value) in versions {
            recipe.args.push(format!("--build-arg={key}={value}"));
            recipe.label(&format!("version.{}", key.to_lowercase()), value);
        }
        recipe
    }

    fn label(&mut self, key: &str, value: &str) {
        self.args.push(format!("--label={PREFIX}{key}={value}"));
    }

    fn build(mut self, ctx: &Context) -> Result<()> {
        let parent = work::logs(ctx)?;
        let context = parent.join(self.name);
        self.files
            .stage(&context)
            .map_err(|source| Error::io(format!("staging {}", context.display()), source))?;
        self.args.push(format!("--file={}", context.join("Containerfile").display()));
        self.args.push(context.display().to_string());
        let log = parent.join(format!("{}.log", self.name));
        let begin = Event::BuildStarted(self.name);
        match work::follow(ctx, begin, &log, |line| ctx.podman.build(&self.args, line))? {
            None => Ok(()),
            Some(tail) => Err(Error::BuildFailed { agent: self.name.into(), log, tail }),
        }
    }
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
    let prefix = format!("{PREFIX}{SOURCE}");
    let source = |(key, value): (&String, &String)| {
        key.strip_prefix(&prefix).map(|part| (part.to_owned(), value.clone()))
    };
    let sources = image.labels.iter().filter_map(source).collect();
    Ok(Built { image, duration: begin.elapsed(), versions, sources })
}
