//! Completions: the scripts under `completions/` are what the command line generates, and the
//! program itself offers names of sessions and agents to bash, zsh and fish.

use std::fs;
use std::path::Path;

use agent_session::cli::Cli;
use clap::CommandFactory;
use clap_complete::{Generator, Shell};
use clap_complete_nushell::Nushell;

use crate::support::{Terminal, TestEnv};

/// Compares, or with `UPDATE_COMPLETIONS` set writes.
fn check(shell: impl Generator) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("completions")
        .join(shell.file_name("agent-session"));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "agent-session", &mut script);
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

#[test]
fn nushell_is_up_to_date() {
    check(Nushell);
}

/// The candidates for the last of these words, as a shell asks for them; podman is never asked.
fn candidates(env: &TestEnv, words: &[&str]) -> String {
    env.fake("podman", "#!/bin/sh\necho asked >>\"$0.log\"\nexec sleep 1000\n");
    let mut command = env.command("agent-session", &[&["--", "agent-session"], words].concat());
    command.env("COMPLETE", "fish");
    let output = env.finish(command);
    env.real("podman");
    assert!(!env.path("bin/podman.log").exists());
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    output.stdout
}

#[test]
fn names_come_with_what_is_known_of_them_and_without_podman() {
    let env = TestEnv::new();
    assert_eq!(candidates(&env, &["stop", ""]).lines().find(|line| !line.starts_with('-')), None);
    env.ok(&["start", "-d", "-a", "shell", "-n", "web"]);
    env.ok(&["start", "-d", "-a", "shell", "-n", "other"]);
    env.ok(&["stop", "other"]);
    let project = env.project().display().to_string();
    for words in
        [&["stop", ""][..], &["rm", ""], &["restart", ""], &["inspect", ""], &["start", "-n", ""]]
    {
        let offered = candidates(&env, words);
        assert!(offered.contains(&format!("web\trunning, shell, {project}\n")), "{offered}");
        assert!(offered.contains(&format!("other\tstopped, shell, {project}\n")), "{offered}");
    }
    assert!(!candidates(&env, &["stop", "w"]).contains("other"));
    for words in [&["start", "-a", ""][..], &["build", ""]] {
        let offered = candidates(&env, words);
        assert!(offered.contains("claude\tClaude Code"), "{offered}");
    }
    // What a hook calls is not for people.
    assert!(candidates(&env, &[""]).lines().all(|line| !line.starts_with("enter\t")));
    // Directories where they belong.
    env.mkdir("project/folder");
    assert!(candidates(&env, &["start", "fol"]).contains("folder"));
    assert!(candidates(&env, &["allow", "fol"]).contains("folder"));
}

/// A shell at its prompt, with the program's own completions.
fn shell(env: &TestEnv, program: &str, args: &[&str], rc: &str) -> Terminal {
    let mut terminal = env.terminal(program, args);
    terminal.send(&format!("{rc}; echo re''ady\r"));
    terminal.wait_for("\nready");
    terminal
}

#[test]
fn tab_completes_the_names_of_sessions_in_every_shell() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell", "-n", "webserver"]);
    for (program, args, rc) in [
        ("bash", &["--norc", "-i"][..], "source <(COMPLETE=bash agent-session)"),
        (
            "zsh",
            &["-f", "-i"],
            "autoload -U compinit; compinit -u; source <(COMPLETE=zsh agent-session)",
        ),
        ("fish", &["--no-config", "-i"], "COMPLETE=fish agent-session | source"),
    ] {
        let mut terminal = shell(&env, program, args, rc);
        terminal.send("agent-session stop web\t");
        terminal.wait_for("agent-session stop webserver");
        terminal.send("\x03");
    }
}
