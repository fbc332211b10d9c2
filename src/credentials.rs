//! What an agent may know of the host: keys, which become podman secrets, and a few harmless
//! settings. The host's own configuration directories are never mounted.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::agent::{Agent, Credential};
use crate::context::Context;
use crate::error::{Result, shell_quote};

/// A key for the inside of a session.
pub struct Secret {
    /// The variable it becomes.
    pub env: String,
    /// Its value. Never printed, never an argument.
    pub value: String,
}

impl Secret {
    /// Tells whether a key is still the same, without telling the key: sixteen hexadecimal digits
    /// of the SHA-256 of salt, variable and value.
    #[must_use]
    pub fn fingerprint(&self, salt: &str) -> String {
        let hash = hex::encode(Sha256::digest([salt, &self.env, &self.value].join("\0")));
        hash[..16].to_owned()
    }
}

/// The keys that the host has for an agent. What is wrong with a file is said, and the session
/// starts all the same.
///
/// # Errors
/// [`crate::error::Error::InvalidEnv`] where a variable is not UTF-8.
pub fn secrets(ctx: &Context, agent: &Agent) -> Result<Vec<Secret>> {
    let mut found = Vec::new();
    for credential in &agent.definition.credentials {
        let value = match ctx.text_var(&credential.env)? {
            Some(value) => Some(value.to_owned()),
            None => from_file(ctx, credential),
        };
        found.extend(value.map(|value| Secret { env: credential.env.clone(), value }));
    }
    Ok(found)
}

/// Where the host has a key for an agent, or would have one.
#[derive(Debug)]
pub enum Origin {
    /// A variable of the environment.
    Variable(String),
    /// A file of the user's.
    File {
        /// Its path.
        path: PathBuf,
        /// Whether its mode lets others read it.
        readable_by_others: bool,
    },
    /// A file that cannot be read, or understood.
    Unusable {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Where the host has keys for an agent. Nothing is said, and no key leaves this function.
#[must_use]
pub fn origins(ctx: &Context, agent: &Agent) -> Vec<Origin> {
    agent.definition.credentials.iter().filter_map(|credential| origin(ctx, credential)).collect()
}

fn origin(ctx: &Context, credential: &Credential) -> Option<Origin> {
    if ctx.var(&credential.env).is_some() {
        return Some(Origin::Variable(credential.env.clone()));
    }
    let file = credential.file.as_ref()?;
    let path = ctx.home.join(file);
    match try_read_json(ctx, file) {
        Err(reason) => Some(Origin::Unusable { path, reason }),
        Ok(value) => extract(credential, &value?).map(|_| {
            let readable_by_others = is_readable_by_others(&path);
            Origin::File { path, readable_by_others }
        }),
    }
}

/// Says so where an agent that can log in by a key has none.
pub fn note_missing(ctx: &Context, agent: &Agent, secrets: &[Secret]) {
    if secrets.is_empty() && !agent.definition.credentials.is_empty() {
        let names = agent.definition.credentials.iter().map(|credential| credential.env.as_str());
        ctx.note(format!(
            "no credentials for {}: log in inside the session, or set {}",
            agent.name,
            names.take(2).collect::<Vec<_>>().join(" or ")
        ));
    }
}

/// The harmless settings of the host's files: `{file: {key: value}}`.
#[must_use]
pub fn seed(ctx: &Context, agent: &Agent) -> Value {
    let mut files = Map::new();
    for seed in &agent.definition.seed {
        // What is wrong with a file that holds the key too was said by `secrets`.
        let is_told = agent.definition.credentials.iter().any(|credential| {
            credential.file.as_ref() == Some(&seed.file) && ctx.var(&credential.env).is_none()
        });
        let read = try_read_json(ctx, &seed.file);
        let read = if is_told { read.ok().flatten() } else { or_note(ctx, read) };
        let Some(Value::Object(all)) = read else { continue };
        let kept: Map<_, _> = all.into_iter().filter(|(key, _)| seed.keys.contains(key)).collect();
        if !kept.is_empty() {
            files.insert(seed.file.clone(), Value::Object(kept));
        }
    }
    Value::Object(files)
}

fn from_file(ctx: &Context, credential: &Credential) -> Option<String> {
    let file = credential.file.as_ref()?;
    let text = extract(credential, &or_note(ctx, try_read_json(ctx, file))?)?;
    let path = ctx.home.join(file);
    if is_readable_by_others(&path) {
        ctx.note(format!(
            "{} holds a key and can be read by others: chmod 600 {}",
            path.display(),
            shell_quote(&path.to_string_lossy())
        ));
    }
    Some(text)
}

/// The key in what a file holds.
fn extract(credential: &Credential, value: &Value) -> Option<String> {
    let value = value.pointer(credential.pointer.as_deref().unwrap_or_default())?;
    let text = match (&credential.only_type, value) {
        (Some(kind), Value::Object(members)) => {
            let of_kind = |member: &Value| member.get("type").and_then(Value::as_str) == Some(kind);
            let kept = members.iter().filter(|(_, member)| of_kind(member));
            let kept: Map<_, _> = kept.map(|(key, member)| (key.clone(), member.clone())).collect();
            (!kept.is_empty()).then(|| Value::Object(kept).to_string())?
        }
        (None, Value::String(text)) => text.clone(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The value in a file below the host's home, if there is one; or what is wrong with it.
fn try_read_json(ctx: &Context, file: &str) -> std::result::Result<Option<Value>, String> {
    let path = ctx.home.join(file);
    let shown = path.display();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{shown} cannot be read ({error}); going on without it")),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let path = shell_quote(&path.to_string_lossy());
        format!(
            "{shown} is not valid JSON (line {line}, column {column}); going on without it: \
             jq . {path}"
        )
    })
}

fn or_note(ctx: &Context, read: std::result::Result<Option<Value>, String>) -> Option<Value> {
    read.unwrap_or_else(|note| {
        ctx.note(note);
        None
    })
}

fn is_readable_by_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}
