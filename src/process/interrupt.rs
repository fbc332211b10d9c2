//! A way to end what runs, for callers that have no terminal.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// The wish of a user that what runs be ended. On a terminal the kernel tells it to every process;
/// this is for callers that have no terminal, and say it by a flag.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Option<Arc<AtomicBool>>);

impl Interrupt {
    /// Has been said once this flag is set.
    #[must_use]
    pub fn new(flag: Arc<AtomicBool>) -> Self {
        Self(Some(flag))
    }

    /// # Errors
    /// [`Error::Io`] once it has been said.
    pub fn check(&self, action: &str) -> Result<()> {
        if self.is_said() { Err(Error::io(action, ErrorKind::Interrupted.into())) } else { Ok(()) }
    }

    /// Whether it has been said.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    pub(super) fn is_possible(&self) -> bool {
        self.0.is_some()
    }
}
