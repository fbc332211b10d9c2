//! Which projects the user allowed to have a say in what is mounted and run.
//!
//! A project file is looked at as bytes until its record says that these very bytes, of this very
//! file, in this very directory, were allowed. One record a project, replaced as a whole, so that
//! bytes that were allowed once and changed since are asked about again when they come back. A
//! refusal is a record of its own: it holds for the directory and all below it, and wins.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{CWD, Mode as FileMode, OFlags, fstat, openat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::lock;
use crate::mount::Mount;

/// The name of a project's file, at its root.
pub const FILE: &str = ".agent-session.toml";
/// No project file is larger, in bytes.
const MOST: u64 = 1 << 20;

/// A project's file as it is at this moment: bytes, not yet parsed by anybody.
#[derive(Debug)]
pub struct Snapshot {
    /// The canonical root of the project.
    pub root: PathBuf,
    /// What is in the file.
    pub bytes: Vec<u8>,
    key: String,
}

impl Snapshot {
    /// Reads the file of the project whose canonical root this is.
    ///
    /// # Errors
    /// [`Error::ProjectUntrusted`] where it is no file that could be allowed: a symbolic link, say.
    pub fn read(root: PathBuf) -> Result<Self> {
        let refuse = |reason| Error::ProjectUntrusted { root: root.clone(), reason };
        let reading = |error: rustix::io::Errno| match error {
            rustix::io::Errno::LOOP => refuse("is a symbolic link"),
            error => {
                let file = crate::error::shown(&root.join(FILE));
                Error::io(format!("reading {file}"), error.into())
            }
        };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let folder =
            openat(CWD, &root, flags | OFlags::DIRECTORY, FileMode::empty()).map_err(reading)?;
        let file = openat(&folder, FILE, flags | OFlags::NOCTTY, FileMode::empty());
        let file = File::from(file.map_err(reading)?);
        let metadata = file.metadata().map_err(|error| reading(errno(&error)))?;
        if !metadata.is_file() {
            return Err(refuse("is not a regular file"));
        }
        let folder = fstat(&folder).map_err(reading)?;
        let mut bytes = Vec::new();
        let read = file.take(MOST + 1).read_to_end(&mut bytes);
        read.map_err(|error| reading(errno(&error)))?;
        if bytes.len() as u64 > MOST {
            return Err(refuse("is larger than a mebibyte"));
        }
        let mut hash = Sha256::new();
        for part in [root.as_os_str().as_bytes(), &bytes] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        // Their types differ between systems.
        #[allow(clippy::useless_conversion, clippy::cast_sign_loss, clippy::unnecessary_cast)]
        let of_folder = [folder.st_dev as u64, folder.st_ino as u64];
        for number in of_folder.into_iter().chain([metadata.dev(), metadata.ino()]) {
            hash.update(number.to_be_bytes());
        }
        Ok(Self { root, bytes, key: hex::encode(hash.finalize()) })
    }
}

fn errno(error: &std::io::Error) -> rustix::io::Errno {
    rustix::io::Errno::from_io_error(error).unwrap_or(rustix::io::Errno::IO)
}

/// What the user said of a project.
#[derive(Debug)]
pub enum Verdict {
    /// It may have its say, as it is here, on these mounts.
    Allowed(Snapshot, Vec<Mount>),
    /// It may not, and nobody is to be told again.
    Denied,
    /// Nothing, or not of what is there now.
    Unknown,
}

/// What is kept of a project that was allowed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    root: String,
    key: String,
    /// What its file's paths and mounts were then: a link that is changed later leads nowhere else.
    mounts: Vec<Mount>,
    allowed: Timestamp,
}

/// The user's records: `$XDG_STATE_HOME/agent-session/trust`, which no session can mount.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store of this user.
    #[must_use]
    pub fn of(ctx: &Context) -> Self {
        Self { folder: ctx.state_dir().join("trust") }
    }

    /// Whether this directory, or one above it, was denied. No project file is opened for it.
    #[must_use]
    pub fn is_denied(&self, root: &Path) -> bool {
        // A record that cannot be looked at may be there.
        let exists = |folder: &Path| !matches!(fs::symlink_metadata(self.denied(folder)), Err(error) if error.kind() == ErrorKind::NotFound);
        self.folder.exists() && root.ancestors().any(exists)
    }

    /// What was said of the project with this canonical root, as it is now. The file of one of which
    /// nothing was ever said is not opened.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn verdict(&self, root: &Path) -> Result<Verdict> {
        if self.is_denied(root) {
            return Ok(Verdict::Denied);
        }
        let Some(record) = self.record(root) else { return Ok(Verdict::Unknown) };
        match Snapshot::read(root.into()) {
            Ok(snapshot) if snapshot.key == record.key => {
                Ok(Verdict::Allowed(snapshot, record.mounts))
            }
            Ok(_) | Err(Error::ProjectUntrusted { .. }) => Ok(Verdict::Unknown),
            Err(error) => Err(error),
        }
    }

    /// What was allowed of a project, if anything was. A record that is damaged is kept aside, for
    /// whoever wants to know what happened to it.
    fn record(&self, root: &Path) -> Option<Record> {
        let path = self.allowed(root);
        read(&path).unwrap_or_else(|()| {
            let _ = fs::rename(&path, path.with_extension("corrupt"));
            None
        })
    }

    /// Lets a project have its say, as it is now.
    ///
    /// # Errors
    /// [`Error::ProjectUntrusted`] where a directory above it is denied; [`Error::Io`].
    pub fn allow(&self, snapshot: &Snapshot, mounts: Vec<Mount>, now: Timestamp) -> Result<()> {
        let root = &snapshot.root;
        if root.ancestors().skip(1).any(|above| self.is_denied(above)) {
            let reason = "is below a directory that was denied";
            return Err(Error::ProjectUntrusted { root: root.clone(), reason });
        }
        let key = snapshot.key.clone();
        let text = root.to_string_lossy().into_owned();
        self.write(&self.allowed(root), &Record { root: text, key, mounts, allowed: now })?;
        // Last: killed before, it is denied still.
        self.remove(&self.denied(root))
    }

    /// Keeps a directory and all below it from having a say, whatever they will hold.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn deny(&self, root: &Path) -> Result<()> {
        self.write(&self.denied(root), &root.to_string_lossy())?;
        self.remove(&self.allowed(root))
    }

    /// Takes a denial back, of a directory that holds no project itself.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn forget(&self, root: &Path) -> Result<()> {
        self.remove(&self.denied(root))
    }

    fn allowed(&self, root: &Path) -> PathBuf {
        self.folder.join(format!("{}.allowed", digest(root)))
    }

    fn denied(&self, root: &Path) -> PathBuf {
        self.folder.join(format!("{}.denied", digest(root)))
    }

    /// Replaces a record, or leaves it as it was, wherever this process ends.
    fn write(&self, path: &Path, record: &impl Serialize) -> Result<()> {
        lock::make_private(&self.folder)?;
        let private = fs::Permissions::from_mode(0o700);
        let text = serde_json::to_vec(record).map_err(std::io::Error::from);
        let written = text.and_then(|text| {
            fs::set_permissions(&self.folder, private)?;
            let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
            new.write_all(&text)?;
            new.as_file().sync_all()?;
            new.persist(path)?;
            self.sync()
        });
        written.map_err(|source| Error::io(format!("writing {}", path.display()), source))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let removed = match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.and_then(|()| self.sync()),
        };
        removed.map_err(|source| Error::io(format!("removing {}", path.display()), source))
    }

    fn sync(&self) -> std::io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// A directory's name in the store. Whole paths are compared, so that no directory stands for
/// another whose name only begins like its own.
fn digest(root: &Path) -> String {
    hex::encode(Sha256::digest(root.as_os_str().as_bytes()))
}

/// A record, if there is one. One that somebody else could have written, or that cannot be read, is
/// an error.
fn read(path: &Path) -> std::result::Result<Option<Record>, ()> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if errno(&error) == rustix::io::Errno::LOOP => return Err(()),
        // For the moment, perhaps: nothing is wrong with the record itself.
        Err(_) => return Ok(None),
    };
    let metadata = file.metadata().map_err(drop)?;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !own || metadata.permissions().mode() & 0o077 != 0 {
        return Err(());
    }
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).map_err(drop)?;
    serde_json::from_slice(&text).map(Some).map_err(drop)
}
