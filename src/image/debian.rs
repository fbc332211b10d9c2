//! The image that the base image stands on: one of the user's, Debian's own, or one made here of
//! Debian's packages where no registry answers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::mirror::Mirrors;
use super::work::{follow_program, logs};
use crate::context::Context;
use crate::error::{Error, Result, last_line};

/// How long removing a small file system may take.
const CLEARING: Duration = Duration::from_mins(1);
const SUITE: &str = "trixie";
const PUBLISHED: &str = "docker.io/library/debian:trixie-slim";
/// What is made here gets a name of its own: it is not what Debian publishes.
const MADE: &str = "localhost/agent-session-debian:trixie-slim";
/// What makes the published image slim: none of this, now or later.
const LEFT_OUT: &[&str] =
    &["/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*"];

/// An image that is on this machine, or that podman is to fetch because the user named it.
#[derive(Debug)]
pub(super) struct Foundation {
    /// Its name.
    pub(super) image: String,
    /// How it came here, in one word.
    pub(super) source: &'static str,
}

/// The programs that make a Debian of packages.
#[derive(Debug, Clone, Copy)]
enum Tool {
    /// Works for every user, and takes a quarter of the time.
    Mmdebstrap,
    /// Works for root.
    Debootstrap,
}

/// The first of these that there is: the user's image, Debian's on this machine, the one that was
/// made here before (unless all is to be done again), Debian's from its registry, one made here.
///
/// # Errors
/// [`Error::BaseUnavailable`].
pub(super) fn find(ctx: &Context, own: Option<&str>, anew: bool) -> Result<Foundation> {
    let is_here = |image: &str| ctx.podman.images_named(image).map(|images| !images.is_empty());
    let found = |image: &str, source| Ok(Foundation { image: image.into(), source });
    match own {
        Some(image) => return found(image, "given"),
        None if is_here(PUBLISHED)? => return found(PUBLISHED, "present"),
        None if !anew && is_here(MADE)? => return found(MADE, "kept"),
        None => {}
    }
    ctx.note(format!("fetching the image {PUBLISHED} (about 30 MB)"));
    match ctx.podman.pull(PUBLISHED)? {
        Ok(()) => found(PUBLISHED, "registry"),
        Err(reason) => found(MADE, make(ctx, &reason)?.name()),
    }
}

/// Makes the image with the first tool and mirror that can.
fn make(ctx: &Context, refusal: &str) -> Result<Tool> {
    ctx.note(format!("{PUBLISHED} cannot be fetched: {}", last_line(refusal)));
    let mut causes = vec![refusal.to_owned()];
    for tool in Tool::usable(ctx) {
        let mirrors = Mirrors::of_host();
        // A mirror of this host's release need not have the one that is wanted.
        let choices = [mirrors.as_ref(), None];
        for mirror in &choices[usize::from(mirrors.is_none())..] {
            match make_with(ctx, tool, *mirror)? {
                None => return Ok(tool),
                Some(tail) => causes.push(tail),
            }
        }
    }
    Err(Error::BaseUnavailable {
        image: PUBLISHED.into(),
        tried: causes.len() > 1,
        causes: causes.join("\n"),
    })
}

/// `None` where it worked, else the end of what the tool said.
fn make_with(ctx: &Context, tool: Tool, mirrors: Option<&Mirrors>) -> Result<Option<String>> {
    ctx.note(format!(
        "making a Debian image ({SUITE}) on this machine with {}, from {}: about 40 MB to fetch, and a minute",
        tool.name(),
        mirrors.map_or("Debian's default mirror", |mirrors| &mirrors.main)
    ));
    let folder = logs(ctx)?.join("debian");
    clear(ctx, &folder)?;
    fs::create_dir(&folder)
        .map_err(|source| Error::io(format!("making {}", folder.display()), source))?;
    let archive = folder.join("debian.tar");
    let failure = match tool {
        Tool::Mmdebstrap => mmdebstrap(ctx, &folder, &archive, mirrors),
        Tool::Debootstrap => debootstrap(ctx, &folder, &archive, mirrors),
    }?;
    if failure.is_none() {
        ctx.podman.import(&archive, MADE)?;
    }
    clear(ctx, &folder)?;
    Ok(failure)
}

/// Removes what a tool left, also one that was interrupted.
fn clear(ctx: &Context, folder: &Path) -> Result<()> {
    // Never into a file system that a tool has mounted below.
    let args = ["-rf", "--one-file-system", &folder.to_string_lossy()].map(String::from);
    let answer = ctx.programs.run("rm", &args, CLEARING)?;
    if answer.is_some_and(|answer| answer.status.success()) {
        return Ok(());
    }
    let reason = std::io::Error::other("rm failed");
    Err(Error::io(format!("removing {}", folder.display()), reason))
}

fn mmdebstrap(
    ctx: &Context,
    folder: &Path,
    archive: &Path,
    mirrors: Option<&Mirrors>,
) -> Result<Option<String>> {
    let mut args = vec!["--variant=minbase".into(), "--aptopt=Acquire::Languages \"none\"".into()];
    args.extend(LEFT_OUT.iter().map(|path| format!("--dpkgopt=path-exclude={path}")));
    args.extend(include(mirrors));
    args.extend([SUITE.into(), archive.to_string_lossy().into_owned()]);
    args.extend(mirrors.iter().flat_map(|mirrors| mirrors.lines(SUITE)));
    follow_program(ctx, "a Debian image", folder, "mmdebstrap", &args)
}

fn debootstrap(
    ctx: &Context,
    folder: &Path,
    archive: &Path,
    mirrors: Option<&Mirrors>,
) -> Result<Option<String>> {
    let root = folder.join("root");
    // In a mount namespace of its own: what it mounts goes with it, however it ends.
    let mut args = ["--mount", "--", "debootstrap", "--variant=minbase"].map(String::from).to_vec();
    args.extend(include(mirrors));
    args.extend([SUITE.into(), root.to_string_lossy().into_owned()]);
    args.extend(mirrors.map(|mirrors| mirrors.main.clone()));
    if let Some(tail) = follow_program(ctx, "a Debian image", folder, "unshare", &args)? {
        return Ok(Some(tail));
    }
    configure(&root, mirrors)
        .map_err(|source| Error::io(format!("writing to {}", root.display()), source))?;
    pack(ctx, &root, archive)
}

/// What debootstrap leaves out: the suite's updates, and the settings that keep an image slim.
fn configure(root: &Path, mirrors: Option<&Mirrors>) -> std::io::Result<()> {
    let list = root.join("etc/apt/sources.list");
    let default = fs::read_to_string(&list)?;
    let main = default.split_whitespace().nth(1).unwrap_or_default();
    let default = Mirrors { main: main.into(), security: format!("{main}-security") };
    fs::write(list, mirrors.unwrap_or(&default).lines(SUITE).join("\n") + "\n")?;
    let excluded = LEFT_OUT.iter().map(|path| format!("path-exclude={path}\n"));
    fs::write(root.join("etc/dpkg/dpkg.cfg.d/slim"), excluded.collect::<String>())?;
    fs::write(root.join("etc/apt/apt.conf.d/no-languages"), "Acquire::Languages \"none\";\n")
}

fn pack(ctx: &Context, root: &Path, archive: &Path) -> Result<Option<String>> {
    let mut args = vec![format!("--directory={}", root.display()), "--numeric-owner".into()];
    let caches = ["/var/cache/apt/archives/*.deb", "/var/cache/apt/*.bin", "/var/lib/apt/lists/*"];
    args.extend(LEFT_OUT.iter().chain(&caches).map(|path| format!("--exclude=.{path}")));
    args.extend(["--create".into(), format!("--file={}", archive.display()), ".".into()]);
    follow_program(ctx, "an archive", Path::new("/"), "tar", &args)
}

/// Without certificates, nothing more would come from a mirror that is asked by TLS.
fn include(mirrors: Option<&Mirrors>) -> Option<String> {
    mirrors.filter(|mirrors| mirrors.is_tls()).map(|_| "--include=ca-certificates".into())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Tool {
    fn usable(ctx: &Context) -> Vec<Self> {
        let is_usable = |tool: &Self| {
            ctx.programs.find(tool.name()).is_some()
                && (matches!(tool, Self::Mmdebstrap) || is_root())
        };
        [Self::Mmdebstrap, Self::Debootstrap].into_iter().filter(is_usable).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mmdebstrap => "mmdebstrap",
            Self::Debootstrap => "debootstrap",
        }
    }
}
