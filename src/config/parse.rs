//! TOML into types, with errors that name file, line, column and the nearest key.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::session::nearest;

/// Reads what a configuration file holds.
///
/// # Errors
/// [`Error::InvalidConfig`].
pub fn parse<T: DeserializeOwned>(bytes: &[u8], file: &Path) -> Result<T> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
        invalid(file, &before, before.len(), "not UTF-8")
    })?;
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        invalid(file, text, start, &describe(text, start, error.message()))
    })
}

fn invalid(file: &Path, text: &str, start: usize, message: &str) -> Error {
    let before = &text[..text.floor_char_boundary(start)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::InvalidConfig { file: file.into(), line, column, message: message.replace('\n', " ") }
}

/// The parser's words, with the key where they do not name it, and the nearest one where it is
/// unknown.
fn describe(text: &str, start: usize, message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") {
        let unknown = quoted.next().unwrap_or_default();
        let near = nearest(unknown, quoted).map(|key| format!("; did you mean `{key}`?"));
        return message.to_owned() + &near.unwrap_or_default();
    }
    let line = text[text[..start.min(text.len())].rfind('\n').map_or(0, |at| at + 1)..].lines();
    let key = line.take(1).find_map(|line| line.split_once('=')).map(|pair| pair.0.trim());
    match key {
        Some(key) if !message.contains(key) => format!("{key}: {message}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProjectFile;

    fn failure(text: impl AsRef<[u8]>) -> String {
        parse::<ProjectFile>(text.as_ref(), Path::new("f")).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_line_column_and_key() {
        let unknown = failure("agent = \"shell\"\n  moounts = []\n");
        assert!(unknown.starts_with("f:2:3: unknown field `moounts`"), "{unknown}");
        assert!(unknown.ends_with("did you mean `mounts`?"), "{unknown}");
        let nested = failure("[limits]\nmem = 1\n");
        assert!(nested.starts_with("f:2:1: unknown field `mem`"), "{nested}");
        assert!(nested.ends_with("did you mean `memory`?"), "{nested}");
        let mistyped = failure("args = 3\n");
        assert!(mistyped.starts_with("f:1:8: args: invalid type"), "{mistyped}");
        let name = failure("name = \"a/b\"\n");
        assert!(name.starts_with("f:1:8: invalid session name 'a/b'"), "{name}");
        let twice = failure("name = \"a\"\nname = \"b\"\n");
        assert!(twice.starts_with("f:2:1: "), "{twice}");
        assert!(failure("auto = \"always\"\n").contains("`hint`"));
        assert!(failure("agent = \n").starts_with("f:1:"));
        assert_eq!(failure(b"agent = 'a'\n  b = \"\xff\"\n"), "f:2:8: not UTF-8");
    }

    #[test]
    fn what_only_the_user_may_set_is_unknown_to_a_project() {
        for key in ["trust = true", "hooks = []", "multiplexer = 'attach'", "image = 'x'"] {
            assert!(failure(key).contains("unknown field"), "{key}");
        }
    }
}
