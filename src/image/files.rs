//! The files of a build context, and the digest that tells one definition from another.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry};
use sha2::{Digest, Sha256};

use crate::agent::{self, Agent, Source};
use crate::error::{Error, Result};

/// The files of a build context, by their path in it.
pub(super) struct Files(BTreeMap<PathBuf, Vec<u8>>);

impl Files {
    /// The definition of an agent's image.
    pub(super) fn of_agent(agent: &Agent) -> Result<Self> {
        match &agent.source {
            Source::BuiltIn => Ok(Self::embedded(&agent.name)),
            Source::User(folder) => Self::read(folder)
                .map_err(|source| Error::io(format!("reading {}", folder.display()), source)),
        }
    }

    /// A definition that came with this program.
    pub(super) fn embedded(name: &str) -> Self {
        let mut files = BTreeMap::new();
        if let Some(dir) = agent::IMAGES.get_dir(name) {
            collect(dir, Path::new(name), &mut files);
        }
        Self(files)
    }

    fn read(folder: &Path) -> std::io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(current) = folders.pop() {
            for entry in fs::read_dir(current)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let relative = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                    files.insert(relative, fs::read(&path)?);
                }
            }
        }
        Ok(Self(files))
    }

    /// Adds a file.
    pub(super) fn add(&mut self, path: impl Into<PathBuf>, contents: Vec<u8>) {
        self.0.insert(path.into(), contents);
    }

    /// Makes this the whole content of a directory.
    pub(super) fn stage(&self, context: &Path) -> std::io::Result<()> {
        if context.exists() {
            fs::remove_dir_all(context)?;
        }
        for (path, contents) in &self.0 {
            let path = context.join(path);
            fs::create_dir_all(path.parent().unwrap_or(context))?;
            fs::write(path, contents)?;
        }
        Ok(())
    }

    /// What tells this definition, with these versions, from every other one.
    pub(super) fn digest(&self, versions: &BTreeMap<String, String>) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        for (path, contents) in &self.0 {
            part(path.as_os_str().as_encoded_bytes());
            part(contents);
        }
        for (key, value) in versions {
            part(key.as_bytes());
            part(value.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}

fn collect(dir: &Dir<'_>, root: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, root, files),
            DirEntry::File(file) => {
                let path = file.path().strip_prefix(root).unwrap_or(file.path()).to_owned();
                files.insert(path, file.contents().to_vec());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_changes_with_every_byte_name_and_version() {
        let files = |path: &str, text: &str| Files([(path.into(), text.into())].into());
        let none = BTreeMap::new();
        let digest = files("a", "b").digest(&none);
        assert_ne!(digest, files("a", "c").digest(&none));
        assert_ne!(digest, files("ab", "").digest(&none));
        assert_ne!(digest, files("a", "b").digest(&[("X".into(), "1".into())].into()));
        assert_eq!(digest.len(), 64);
    }

    #[test]
    fn build_contexts_are_embedded_with_paths_of_their_own() {
        let files = Files::embedded("base").0;
        assert!(files.contains_key(Path::new("Containerfile")));
        assert!(files.contains_key(Path::new("zellij/config.kdl")));
    }
}
