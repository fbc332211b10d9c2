//! The completion scripts under `completions/` are what the command line generates.

use std::fs;
use std::path::Path;

use agent_session::cli::Cli;
use clap::CommandFactory;
use clap_complete::{Generator, Shell};

/// Compares, or with `UPDATE_COMPLETIONS` set writes.
fn check(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "agent-session", &mut script);
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("completions")
        .join(shell.file_name("agent-session"));
    if std::env::var_os("UPDATE_COMPLETIONS").is_some() {
        fs::write(&file, &script).unwrap();
    }
    let committed = fs::read(&file).unwrap();
    let advice = "UPDATE_COMPLETIONS=1 cargo test --test main completions";
    assert!(committed == script, "{} is not up to date: {advice}", file.display());
}

#[test]
fn bash_is_up_to_date() {
    check(Shell::Bash);
}

#[test]
fn zsh_is_up_to_date() {
    check(Shell::Zsh);
}

#[test]
fn fish_is_up_to_date() {
    check(Shell::Fish);
}
