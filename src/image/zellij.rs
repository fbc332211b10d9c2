//! The Zellij program that goes into the base image: one of the user's, the one that was kept, the
//! pinned release, or one that cargo builds here.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::work::follow_program;
use crate::agent;
use crate::context::Context;
use crate::error::{Error, Result, last_line};
use crate::lock::make_private;

const RELEASES: &str = "https://github.com/zellij-org/zellij/releases/download";
/// How long the place of the releases has to answer, in seconds.
const CONNECT: &str = "8";

/// A program, and how it came here, in one word.
#[derive(Debug)]
pub(super) struct Program {
    /// Where it is.
    pub(super) path: PathBuf,
    /// `given`, `kept`, `release` or `cargo`.
    pub(super) source: &'static str,
}

/// The first of these that there is.
///
/// # Errors
/// [`Error::ZellijUnavailable`], [`Error::Io`].
pub(super) fn find(ctx: &Context, own: Option<&Path>) -> Result<Program> {
    if let Some(path) = own {
        return Ok(Program { path: path.into(), source: "given" });
    }
    let pins = agent::built_in_versions("base")?;
    let version = pins.get("ZELLIJ_VERSION").cloned().unwrap_or_default();
    let store = Store { folder: ctx.cache_dir().join("zellij"), version };
    make_private(&store.folder)?;
    if store.holds() {
        return Ok(Program { path: store.program(), source: "kept" });
    }
    let version = &store.version;
    ctx.note(format!("fetching the release of Zellij {version} (about 10 MB)"));
    let refusal = match download(ctx, &store, &agent::built_in_versions("zellij")?)? {
        Ok(()) => return Ok(Program { path: store.program(), source: "release" }),
        Err(refusal) => refusal,
    };
    ctx.note(format!("the release of Zellij {version} cannot be had: {}", last_line(&refusal)));
    match build(ctx, &store)? {
        Ok(()) => Ok(Program { path: store.program(), source: "cargo" }),
        Err(failure) => Err(Error::ZellijUnavailable {
            version: version.clone(),
            tried: failure.is_some(),
            causes: [refusal, failure.unwrap_or_default()].join("\n"),
        }),
    }
}

/// Where a program is kept for the next build.
struct Store {
    folder: PathBuf,
    version: String,
}

impl Store {
    fn program(&self) -> PathBuf {
        self.folder.join(format!("zellij-{}", self.version))
    }

    fn checksum(&self) -> PathBuf {
        self.folder.join(format!("zellij-{}.sha256", self.version))
    }

    /// Whether the program is there, and what it was when it was kept.
    fn holds(&self) -> bool {
        match (fs::read(self.program()), fs::read_to_string(self.checksum())) {
            (Ok(program), Ok(sum)) => sum.split_whitespace().next() == Some(&sha256(&program)),
            _ => false,
        }
    }

    /// Keeps a program. An interruption leaves one that is not taken for whole.
    fn keep(&self, program: &Path) -> Result<()> {
        let name = self.program();
        let keeping = |source| Error::io(format!("writing {}", name.display()), source);
        let bytes = fs::read(program).map_err(keeping)?;
        let line = format!("{}  zellij-{}\n", sha256(&bytes), self.version);
        let unnamed = self.folder.join("zellij.new");
        fs::write(&unnamed, bytes).map_err(keeping)?;
        fs::set_permissions(&unnamed, fs::Permissions::from_mode(0o755)).map_err(keeping)?;
        fs::rename(&unnamed, &name).map_err(keeping)?;
        fs::write(self.checksum(), line).map_err(keeping)
    }
}

/// What a release must be, byte for byte.
struct Pins<'a> {
    archive: &'a str,
    program: &'a str,
}

impl<'a> Pins<'a> {
    fn of(arch: &str, all: &'a BTreeMap<String, String>) -> Option<Self> {
        let pin = |what: &str| {
            all.get(&format!("ZELLIJ_{what}_SHA256_{}", arch.to_uppercase())).map(String::as_str)
        };
        Some(Self { archive: pin("ARCHIVE")?, program: pin("PROGRAM")? })
    }
}

/// Fetches the release: `Err` with the reason where it cannot be had, or is not the pinned one.
fn download(
    ctx: &Context,
    store: &Store,
    pins: &BTreeMap<String, String>,
) -> Result<std::result::Result<(), String>> {
    let arch = std::env::consts::ARCH;
    let Some(pins) = Pins::of(arch, pins) else { return Ok(Err(format!("none for {arch}"))) };
    if ctx.programs.find("curl").is_none() {
        return Ok(Err("there is no curl to fetch it with".into()));
    }
    let folder = fresh(store, "release")?;
    let version = &store.version;
    let url = format!("{RELEASES}/v{version}/zellij-no-web-{arch}-unknown-linux-musl.tar.gz");
    // Below 1 kB/s for 15 s, nothing more is expected of it.
    let args = "-fsSL --proto =https --speed-limit 1000 --speed-time 15 -o archive.tar.gz --connect-timeout";
    let args: Vec<String> = args.split(' ').chain([CONNECT, &url]).map(String::from).collect();
    let outcome = match follow_program(ctx, "a copy of Zellij's release", &folder, "curl", &args)? {
        Some(words) => Err(words),
        None => unpack(ctx, &folder, &pins)?,
    };
    if outcome.is_ok() {
        store.keep(&folder.join("zellij"))?;
    }
    remove(&folder)?;
    Ok(outcome)
}

fn unpack(
    ctx: &Context,
    folder: &Path,
    pins: &Pins<'_>,
) -> Result<std::result::Result<(), String>> {
    if let Err(reason) = check(&folder.join("archive.tar.gz"), pins.archive)? {
        return Ok(Err(reason));
    }
    let args = ["-xzf", "archive.tar.gz", "zellij"].map(String::from);
    match follow_program(ctx, "Zellij's program of its archive", folder, "tar", &args)? {
        Some(words) => Ok(Err(words)),
        None => check(&folder.join("zellij"), pins.program),
    }
}

/// Whether a file is what it must be.
fn check(file: &Path, pin: &str) -> Result<std::result::Result<(), String>> {
    let bytes = fs::read(file)
        .map_err(|source| Error::io(format!("reading {}", file.display()), source))?;
    let found = sha256(&bytes);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(if found == pin {
        Ok(())
    } else {
        Err(format!("{name} is not the pinned one (sha256 {found}, not {pin}): thrown away"))
    })
}

/// Has cargo build the program: `Err` with the end of cargo's output where it failed, and with
/// nothing where there is no cargo whose programs run inside.
fn build(ctx: &Context, store: &Store) -> Result<std::result::Result<(), Option<String>>> {
    if !cfg!(target_os = "linux") || ctx.programs.find("cargo").is_none() {
        return Ok(Err(None));
    }
    ctx.note(format!(
        "building Zellij {} with cargo instead, once: about 12 minutes on two cores, and 2 GB of disk meanwhile",
        store.version
    ));
    let root = fresh(store, "root")?;
    // Kept where the build fails or is interrupted: the next one goes on from there.
    let target = store.folder.join("target");
    let args = [
        "install",
        "zellij",
        "--locked",
        "--version",
        &store.version,
        "--root",
        &root.to_string_lossy(),
        "--target-dir",
        &target.to_string_lossy(),
        "--config",
        "profile.release.strip=true",
    ];
    let args = args.map(String::from);
    if let Some(tail) = follow_program(ctx, "Zellij", &store.folder, "cargo", &args)? {
        return Ok(Err(Some(tail)));
    }
    store.keep(&root.join("bin/zellij"))?;
    remove(&root)?;
    remove(&target)?;
    Ok(Ok(()))
}

/// An empty directory.
fn fresh(store: &Store, name: &str) -> Result<PathBuf> {
    let folder = store.folder.join(name);
    remove(&folder)?;
    make_private(&folder)?;
    Ok(folder)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", folder.display()), error))
        }
        _ => Ok(()),
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive as a release is, in a folder of its own, and what it must be.
    fn release(ctx: &Context) -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("zellij"), "a program").unwrap();
        let args = ["-czf", "archive.tar.gz", "zellij"].map(String::from);
        assert_eq!(follow_program(ctx, "x", folder.path(), "tar", &args).unwrap(), None);
        fs::remove_file(folder.path().join("zellij")).unwrap();
        let archive = sha256(&fs::read(folder.path().join("archive.tar.gz")).unwrap());
        (folder, archive, sha256(b"a program"))
    }

    #[test]
    fn a_release_is_taken_only_where_archive_and_program_are_the_pinned_ones() {
        let mut ctx = Context::from_process(Box::new(|_| {})).unwrap();
        let home = tempfile::tempdir().unwrap();
        ctx.home = home.path().into();
        let (folder, archive, program) = release(&ctx);
        let unpack = |archive: &str, program: &str| {
            unpack(&ctx, folder.path(), &Pins { archive, program }).unwrap()
        };
        assert_eq!(unpack(&archive, &program), Ok(()));
        assert!(unpack("0", &program).unwrap_err().starts_with("archive.tar.gz is not the pinned"));
        assert!(unpack(&archive, "0").unwrap_err().starts_with("zellij is not the pinned one"));
    }

    #[test]
    fn every_release_is_pinned() {
        let pins = agent::built_in_versions("zellij").unwrap();
        for arch in ["x86_64", "aarch64"] {
            let Pins { archive, program } = Pins::of(arch, &pins).unwrap();
            assert!(archive.len() == 64 && program.len() == 64);
        }
        assert!(Pins::of("riscv64", &pins).is_none());
    }
}
