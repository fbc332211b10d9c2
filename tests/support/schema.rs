//! The committed schemas, and an independent validator.

use std::fs;
use std::path::{Path, PathBuf};

use agent_session::cli::Cli;
use clap::CommandFactory;
use jsonschema::Draft;
use serde_json::Value;

/// The schemas of this checkout.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema")
}

/// The schemas of the last release.
pub fn released() -> PathBuf {
    folder().join("released")
}

/// The schemas of a folder, by name.
pub fn read(folder: &Path) -> Vec<(String, Value)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let schemas = files.filter(|file| file.extension().is_some_and(|end| end == "json"));
    let mut all: Vec<_> = schemas
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&fs::read(file).unwrap()).unwrap())
        })
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

/// The command that these arguments are for.
pub fn name_of(args: &[&str]) -> String {
    let words = std::iter::once(&"agent-session").chain(args);
    let matches = Cli::command().try_get_matches_from(words).unwrap();
    matches.subcommand_name().unwrap().to_owned()
}

/// Whatever comes out is what this checkout's schema says, and what the released one promised.
pub fn check(name: &str, value: &Value) {
    for folder in [folder(), released()] {
        let Ok(text) = fs::read(folder.join(format!("{name}.json"))) else {
            assert_eq!(folder, released(), "no schema of {name}");
            continue;
        };
        let schema: Value = serde_json::from_slice(&text).unwrap();
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let validator = options.should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name} against {}: {errors:#?}\n{value:#}", folder.display());
    }
}
