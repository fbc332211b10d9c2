//! The examples of every command's `--help` are run, each on a terminal of its own, as they stand.

use agent_session::cli::Cli;
use clap::CommandFactory;

use crate::support::work::DETACH;
use crate::support::{Terminal, TestEnv, eventually, var};

/// The commands whose examples are run; `None` is the program's own help.
fn commands() -> Vec<Option<String>> {
    let cli = Cli::command();
    let visible = cli.get_subcommands().filter(|command| !command.is_hide_set());
    let names = visible.map(|command| Some(command.get_name().to_owned()));
    std::iter::once(None).chain(names).collect()
}

fn examples(env: &TestEnv, command: Option<&str>) -> Vec<String> {
    let words: Vec<_> = command.into_iter().chain(["--help"]).collect();
    let help = env.ok(&words).stdout;
    let lines = help.lines().filter_map(|line| line.trim().strip_prefix("$ "));
    lines.map(String::from).collect()
}

/// Somebody with a few projects.
fn somebody() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ANTHROPIC_API_KEY", "sk-ant-api03-somebodys");
    for folder in ["project", "frontend", "backend", "shared-libs", "src/api", ".config/fish"] {
        env.mkdir(&format!("home/{folder}"));
    }
    env.mkdir("home/downloads");
    env.write("home/projects/webapp/.agent-session.toml", "agent = 'shell'\n");
    env.finish(env.command("cp", &[&var("AGENT_SESSION_TEST_ZELLIJ"), "zellij"]));
    env
}

/// What is done with sessions that there are.
const OF_SESSIONS: [&str; 5] = [
    "agent-session stop",
    "agent-session restart",
    "agent-session ls",
    "agent-session rm",
    "agent-session inspect",
];

/// Starts three sessions, and stops one of them.
fn start_sessions(env: &TestEnv) {
    for name in ["default", "backend", "frontend"] {
        env.ok(&["start", "-d", "-a", "shell", "-n", name]);
    }
    env.ok(&["stop", "frontend"]);
}

/// Runs a line on a terminal: yes to every question, the menu's default, away from every session.
fn run(line: &str) {
    let env = somebody();
    if line.ends_with("allow ~/downloads") {
        env.ok(&["deny", env.path("home/downloads").to_str().unwrap()]);
    } else if line.starts_with("agent-session allow") {
        env.write("project/.agent-session.toml", "agent = 'shell'\n");
    } else if OF_SESSIONS.iter().any(|words| line.starts_with(words)) {
        start_sessions(&env);
    }
    let script = format!("set -o pipefail; {line}; echo \"ended with $?\"; cat");
    let mut terminal = env.terminal("bash", &["-c", &script]);
    let mut answered = 0;
    eventually(line, || {
        let screen = terminal.text();
        let questions = screen.matches("[y/N]").count() + screen.matches("Select agent").count();
        if screen.contains("Zellij (") {
            terminal.send(DETACH);
        } else if questions > answered {
            answered = questions;
            terminal.send(if screen.trim_end().ends_with("[y/N]") { "y\r" } else { "\r" });
        }
        screen.contains("ended with")
    });
    assert!(terminal.text().contains("ended with 0"), "$ {line}\n{}", terminal.text());
    leave(&mut terminal);
}

fn leave(terminal: &mut Terminal) {
    terminal.send("\x04");
    terminal.exit_code();
}

/// The examples of the commands whose number leaves this rest.
fn run_every(step: usize, first: usize) {
    let env = TestEnv::new();
    for command in commands().iter().skip(first).step_by(step) {
        for example in examples(&env, command.as_deref()) {
            eprintln!("$ {example}");
            run(&example);
        }
    }
}

#[test]
fn the_first_half_of_the_examples_run() {
    run_every(2, 0);
}

#[test]
fn the_other_half_of_the_examples_run() {
    run_every(2, 1);
}

#[test]
fn every_command_has_an_example() {
    let env = TestEnv::new();
    for command in commands() {
        assert!(!examples(&env, command.as_deref()).is_empty(), "{command:?}");
    }
}
