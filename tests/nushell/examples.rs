//! The examples of the help: each is run, and none fails.

use std::fs;

use agent_session::nu::AgentSession;
use nu_plugin::PluginCommand;
use nu_plugin_test_support::PluginTest;
use nu_protocol::{Span, Value};

use super::bench::Nu;

/// The sessions that an example is about.
fn prepare(nu: &Nu, example: &str) {
    let verb = example.split(' ').nth(1).unwrap_or_default();
    let _ = fs::remove_file(nu.env.path("project/.agent-session.toml"));
    match verb {
        "agents" | "build" | "schema" | "doctor" | "project" | "init" => return,
        "allow" | "deny" | "status" | "config" => return write_projects(nu),
        "stop" => nu.start(&["default", "frontend", "backend"]),
        _ => nu.start(&["default", "frontend"]),
    }
    if example.contains(" rm ") {
        nu.start(&["frontend"]);
        nu.env.ok(&["stop", "frontend"]);
    }
}

fn write_projects(nu: &Nu) {
    nu.env.mkdir("home/downloads");
    for folder in ["project", "home/projects/webapp"] {
        nu.env.write(&format!("{folder}/.agent-session.toml"), "agent = \"shell\"\n");
    }
}

fn bench() -> Nu {
    let nu = Nu::new();
    nu.env.podman_with("[ \"$1\" != build ] || exit 0");
    nu.env.write("project/zellij", "");
    nu
}

fn examples() -> Vec<String> {
    let commands = AgentSession::data_commands();
    let all = commands.iter().flat_map(|command| {
        command.examples().iter().map(|one| one.example.to_owned()).collect::<Vec<_>>()
    });
    all.collect()
}

#[test]
fn examples_can_be_run_by_the_plugin() {
    let nu = bench();
    let mut test = PluginTest::new("agent_session", AgentSession.into()).unwrap();
    let command = nu.env.command("true", &[]);
    for (name, value) in command.get_envs() {
        let value = value.unwrap().to_str().unwrap();
        test.engine_state_mut()
            .add_env_var(name.to_str().unwrap().into(), Value::test_string(value));
    }
    let project = Value::test_string(nu.env.project().to_str().unwrap());
    test.engine_state_mut().add_env_var("PWD".into(), project);
    // What is piped on needs commands that only the whole of Nushell has, and `~` is the home of this
    // process here: those are run below.
    let (piped, alone): (Vec<_>, Vec<_>) =
        examples().into_iter().partition(|example| example.contains(['|', '~']));
    assert!(piped.len() >= 4 && alone.len() >= 8, "{piped:?} {alone:?}");
    for example in alone {
        prepare(&nu, &example);
        let value = match test.eval(&example) {
            Ok(data) => data.into_value(Span::test_data()).unwrap(),
            Err(error) => panic!("{example}: {error:?}"),
        };
        assert!(!matches!(value, Value::Error { .. } | Value::Nothing { .. }), "{example}");
    }
}

#[test]
fn examples_can_be_run_by_nushell() {
    let nu = bench();
    for example in examples() {
        prepare(&nu, &example);
        assert_ne!(nu.text(&example), "", "{example}");
    }
}
