//! Locks on the host: one for each session while it is being changed, one for each attached
//! terminal while it lives. The kernel frees both when a process dies, however it dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::session::SessionName;

/// How often a lock that another process holds is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Holds a session against changes by other processes until it is dropped.
///
/// The file is closed on exec, so that podman's monitor does not inherit the lock.
#[derive(Debug)]
pub struct SessionLock(#[allow(dead_code, reason = "held for its drop")] File);

impl SessionLock {
    /// Waits for the session of this name.
    ///
    /// # Errors
    /// [`Error::SessionBusy`] after [`Context::lock_timeout`].
    pub fn take(ctx: &Context, name: &SessionName) -> Result<Self> {
        Self::take_named(ctx, &format!("session-{name}"), name.as_str())
    }

    /// Waits for the build of an agent's image.
    ///
    /// # Errors
    /// [`Error::SessionBusy`] after [`Context::lock_timeout`].
    pub fn take_build(ctx: &Context, agent: &str) -> Result<Self> {
        Self::take_named(ctx, &format!("build-{agent}"), agent)
    }

    /// Whether another process works on the session of this name.
    #[must_use]
    pub fn is_held(ctx: &Context, name: &SessionName) -> bool {
        let path = ctx.state_dir().join("locks").join(format!("session-{name}"));
        let tried = File::open(path).map(|file| file.try_lock());
        matches!(tried, Ok(Err(TryLockError::WouldBlock)))
    }

    fn take_named(ctx: &Context, file: &str, name: &str) -> Result<Self> {
        let directory = ctx.state_dir().join("locks");
        let path = directory.join(file);
        let locking = |source| Error::io(format!("locking {}", path.display()), source);
        make_private(&directory)?;
        let file = open(&path).map_err(locking)?;
        let timeout = ctx.lock_timeout();
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(locking(error)),
                Err(TryLockError::WouldBlock) if begin.elapsed() >= timeout => {
                    let seconds = timeout.as_secs();
                    return Err(Error::SessionBusy { name: name.into(), seconds });
                }
                Err(TryLockError::WouldBlock) => {
                    ctx.programs.interrupt().check("waiting for a lock")?;
                    thread::sleep(RETRY);
                }
            }
        }
    }
}

/// One attached terminal, for as long as it is held.
#[derive(Debug)]
pub struct Client {
    /// Names it, here and inside the session: nanoseconds since 1970, and the process id.
    pub token: String,
    path: PathBuf,
    #[allow(dead_code, reason = "held for its lock")]
    file: File,
}

impl Client {
    /// Registers this process as a terminal of the session.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn register(ctx: &Context, name: &SessionName) -> Result<Self> {
        let directory = clients_dir(ctx, name);
        make_private(&directory)?;
        // One at a time: of two, the later one by its token finds the earlier one's file.
        let gate = File::open(&directory).and_then(|gate| gate.lock().map(|()| gate));
        let _gate =
            gate.map_err(|source| Error::io(format!("locking {}", directory.display()), source))?;
        let token = format!("{:019}-{}", ctx.now().as_nanosecond(), std::process::id());
        let path = directory.join(&token);
        let registering = |source| Error::io(format!("writing {}", path.display()), source);
        // Locked before it has its name: unlocked under it, another process would take it for dead.
        let unnamed = directory.join(format!(".{token}"));
        let file = open(&unnamed).map_err(registering)?;
        file.lock().map_err(registering)?;
        fs::rename(&unnamed, &path).map_err(registering)?;
        Ok(Self { token, path, file })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // One that stays behind is not locked, and is taken for dead.
        let _ = fs::remove_file(&self.path);
    }
}

/// The tokens of the terminals that are attached to a session from this account; what dead ones
/// left behind is removed.
#[must_use]
pub fn live_clients(ctx: &Context, name: &SessionName) -> Vec<String> {
    let Ok(entries) = fs::read_dir(clients_dir(ctx, name)) else { return Vec::new() };
    let mut live = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let is_dead = File::open(&path).is_ok_and(|file| file.try_lock_shared().is_ok());
        if is_dead {
            let _ = fs::remove_file(&path);
        } else if let Ok(token) = entry.file_name().into_string() {
            live.push(token);
        }
    }
    live
}

fn clients_dir(ctx: &Context, name: &SessionName) -> PathBuf {
    ctx.state_dir().join("clients").join(name.as_str())
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Makes a directory that its owner alone can read.
///
/// # Errors
/// [`Error::Io`].
pub fn make_private(directory: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|source| Error::io(format!("making {}", directory.display()), source))
}
