//! Names of sessions.

use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};

/// The name of a session: `[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionName(String);

impl SessionName {
    /// The name of the session that is meant where none is given.
    pub const DEFAULT: &str = "default";
    /// What the names of all containers and home volumes begin with.
    pub const CONTAINERS: &str = "agent-session-";
    /// What the names of all secrets begin with.
    pub const SECRETS: &str = "agent-session.";

    /// Reads a name.
    ///
    /// # Errors
    /// [`Error::InvalidName`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut chars = text.chars();
        let starts = chars.next().is_some_and(|c| c.is_ascii_alphanumeric());
        let goes_on = chars.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if starts && goes_on && text.len() <= 63 {
            Ok(Self(text.into()))
        } else {
            Err(Error::InvalidName(text.into()))
        }
    }

    /// The name that a directory's own gives, always the same: what a name cannot have becomes `-`.
    #[must_use]
    pub fn of_directory(path: &Path) -> Self {
        let given = path.file_name().unwrap_or_default().to_string_lossy();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let kept: String = given.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
        let trimmed: String = kept.trim_matches(['-', '_', '.']).chars().take(63).collect();
        Self::parse(&trimmed).unwrap_or_else(|_| Self(Self::DEFAULT.into()))
    }

    /// The name of its container, and of its home volume.
    #[must_use]
    pub fn container(&self) -> String {
        format!("{}{}", Self::CONTAINERS, self.0)
    }

    /// What the names of its secrets begin with. The rest is the name of a variable, which has no
    /// dot, so that one session's prefix never covers another's secret.
    #[must_use]
    pub fn secret_prefix(&self) -> String {
        format!("{}{}.", Self::SECRETS, self.0)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_a_name() {
        let name = |path: &str| SessionName::of_directory(Path::new(path)).to_string();
        assert_eq!(name("/home/u/web-app"), "web-app");
        assert_eq!(name("/home/u/.my app!"), "my-app");
        assert_eq!(name("/home/u/ä漢"), "default");
        assert_eq!(name("/"), "default");
        assert_eq!(name(&format!("/{}", "x".repeat(4000))).len(), 63);
    }
}
