//! Agents: `agent.toml` and `Containerfile` of the programs that run in sessions, the ones that
//! come with this program and the user's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use crate::config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::session::nearest;

/// Everything under `images/`, so that the program works from anywhere.
pub static IMAGES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/images");

/// The agent that runs where nothing else was said.
pub const DEFAULT: &str = "claude";

/// An agent and where its definition is.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its name: that of its folder.
    pub name: String,
    /// What its `agent.toml` says.
    pub definition: Definition,
    /// Where its folder is.
    pub source: Source,
}

/// Where an agent's definition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It came with this program.
    BuiltIn,
    /// It is the user's, in this folder.
    User(PathBuf),
}

/// The contents of `agent.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name in the menu.
    pub title: String,
    /// What it is, in one line.
    pub description: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The same, to go on with the last conversation; where absent, `command` again.
    #[serde(default)]
    pub resume: Vec<String>,
    /// A glob below the session's home: `resume` is used only where it matches.
    #[serde(default)]
    pub resume_when: String,
    /// What lets it log in.
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// What is copied from the host's home when a session is made.
    #[serde(default)]
    pub seed: Vec<Seed>,
    /// Versions, handed to the build as arguments and kept in the image's labels.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
}

/// A key of the host's that becomes a podman secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The variable: the host's, and the one inside.
    pub env: String,
    /// Where the variable is not set: a JSON file below the host's home.
    pub file: Option<String>,
    /// A JSON pointer (RFC 6901) to the value in that file.
    pub pointer: Option<String>,
    /// Keep only the members of the object there that have this `type`; the secret is their JSON.
    pub only_type: Option<String>,
}

/// A JSON file below the host's home of which some keys are copied.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The file, below the home on both sides.
    pub file: String,
    /// The top-level keys that are copied.
    pub keys: Vec<String>,
}

/// A folder whose definition cannot be used.
#[derive(Debug)]
pub struct Broken {
    /// The folder's name.
    pub name: String,
    /// Why.
    pub error: Error,
}

/// All agents: `claude` first, then by name. The user's own hide built-in ones of the same name.
///
/// # Errors
/// [`Error::Io`] where the user's folder of agents cannot be read. A single broken definition is
/// returned beside the others.
pub fn all(ctx: &Context) -> Result<(Vec<Agent>, Vec<Broken>)> {
    let mut found: BTreeMap<String, Result<Agent>> = BTreeMap::new();
    for name in built_in_names() {
        found.insert(name.to_owned(), built_in(name));
    }
    for (name, folder) in user_folders(ctx)? {
        let agent = from_folder(&name, &folder);
        found.insert(name, agent);
    }
    let (mut agents, mut broken) = (Vec::new(), Vec::new());
    for (name, agent) in found {
        match agent {
            Ok(agent) => agents.push(agent),
            Err(error) => broken.push(Broken { name, error }),
        }
    }
    agents.sort_by_key(|agent| agent.name != DEFAULT);
    Ok((agents, broken))
}

/// The agent of this name.
///
/// # Errors
/// [`Error::AgentNotFound`], with the nearest name; [`Error::InvalidConfig`] where it is broken.
pub fn get(ctx: &Context, name: &str) -> Result<Agent> {
    let folders = user_folders(ctx)?;
    if let Some((_, folder)) = folders.iter().find(|(found, _)| found == name) {
        return from_folder(name, folder);
    }
    if built_in_names().any(|found| found == name) {
        return built_in(name);
    }
    let own = folders.into_iter().map(|(found, _)| found);
    let known: Vec<String> = own.chain(built_in_names().map(String::from)).collect();
    let nearest = nearest(name, known.iter().map(String::as_str));
    Err(Error::AgentNotFound { name: name.into(), nearest })
}

fn built_in_names() -> impl Iterator<Item = &'static str> {
    let folders = IMAGES.dirs().filter(|dir| dir.get_file(dir.path().join("agent.toml")).is_some());
    folders.filter_map(|dir| dir.path().to_str())
}

fn built_in(name: &str) -> Result<Agent> {
    let path = Path::new(name).join("agent.toml");
    let bytes = IMAGES.get_file(&path).map(include_dir::File::contents).unwrap_or_default();
    let mut definition = parse(bytes, &path)?;
    definition.versions = built_in_versions(name)?;
    Ok(Agent { name: name.into(), definition, source: Source::BuiltIn })
}

/// The pinned versions of one of the images that come with this program.
///
/// # Errors
/// [`Error::InvalidConfig`]; the tests read all of them.
pub fn built_in_versions(image: &str) -> Result<BTreeMap<String, String>> {
    let path = Path::new("versions.toml");
    let bytes = IMAGES.get_file(path).map(include_dir::File::contents).unwrap_or_default();
    let mut all: BTreeMap<String, BTreeMap<String, String>> = config::parse(bytes, path)?;
    Ok(all.remove(image).unwrap_or_default())
}

fn user_folders(ctx: &Context) -> Result<Vec<(String, PathBuf)>> {
    let parent = ctx.config_dir().join("agents");
    let reading = |source| Error::io(format!("reading {}", parent.display()), source);
    let entries = match fs::read_dir(&parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(reading(error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(reading)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        // Hidden folders are an editor's or a version control's.
        if let Some(name) = name.filter(|name| !name.starts_with('.') && path.is_dir()) {
            folders.push((name, path));
        }
    }
    folders.sort();
    Ok(folders)
}

fn from_folder(name: &str, folder: &Path) -> Result<Agent> {
    let file = folder.join("agent.toml");
    let invalid_at =
        |file: PathBuf, message: String| Error::InvalidConfig { file, line: 1, column: 1, message };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
        let message = "an agent's folder is named with a-z, 0-9, '-' and '_'";
        return Err(invalid_at(file, message.into()));
    }
    let bytes = fs::read(&file)
        .map_err(|error| invalid_at(file.clone(), format!("cannot be read: {error}")))?;
    let definition = parse(&bytes, &file)?;
    let containerfile = folder.join("Containerfile");
    if !containerfile.is_file() {
        return Err(invalid_at(containerfile, "the file is missing".into()));
    }
    Ok(Agent { name: name.into(), definition, source: Source::User(folder.into()) })
}

fn parse(bytes: &[u8], file: &Path) -> Result<Definition> {
    let definition: Definition = config::parse(bytes, file)?;
    if definition.command.is_empty() {
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().position(|line| line.starts_with("command")).unwrap_or(0) + 1;
        let message = "command: names no program".into();
        return Err(Error::InvalidConfig { file: file.into(), line, column: 1, message });
    }
    Ok(definition)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "title = \"X\"\ndescription = \"d\"\ncommand = [\"x\"]\n";

    fn failure(text: &str) -> String {
        parse(text.as_bytes(), Path::new("agent.toml")).unwrap_err().to_string()
    }

    #[test]
    fn built_in_agents_are_sound() {
        let names: Vec<_> = built_in_names().collect();
        assert_eq!(names, ["claude", "opencode", "shell"]);
        for name in names {
            let agent = built_in(name).unwrap();
            assert!(IMAGES.get_file(Path::new(name).join("Containerfile")).is_some());
            assert_eq!(agent.definition.title.to_lowercase(), name);
        }
        assert!(built_in_versions("base").unwrap().contains_key("ZELLIJ_VERSION"));
    }

    #[test]
    fn a_broken_definition_names_file_line_and_key() {
        assert!(parse(GOOD.as_bytes(), Path::new("agent.toml")).is_ok());
        let unknown = failure(&format!("{GOOD}comand = 1\n"));
        assert!(unknown.starts_with("agent.toml:4:1: unknown field `comand`"), "{unknown}");
        let mistyped = failure(&GOOD.replace("[\"x\"]", "3"));
        assert!(mistyped.starts_with("agent.toml:3:11: command: invalid type"), "{mistyped}");
        let missing = failure("title = \"X\"\ndescription = \"d\"\n");
        assert!(missing.contains("missing field `command`"), "{missing}");
        let empty = failure(&GOOD.replace("[\"x\"]", "[]"));
        assert_eq!(empty, "agent.toml:3:1: command: names no program");
        let syntax = failure("title = X\n");
        assert!(syntax.starts_with("agent.toml:1:"), "{syntax}");
    }
}
