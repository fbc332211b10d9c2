//! `agents`, and the help of every command.

use serde_json::{Value, json};

use crate::support::TestEnv;

fn agent<'a>(agents: &'a Value, name: &str) -> &'a Value {
    let found = agents.as_array().unwrap().iter().find(|agent| agent["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {agents}"))
}

#[test]
fn the_agents_are_listed_with_claude_first_and_whether_they_are_ready() {
    let env = TestEnv::new();
    env.agent("tiny", "command = ['true']", "FROM localhost/agent-session-base\n");
    let agents = env.json(&["agents"]);
    let names: Vec<_> = agents.as_array().unwrap().iter().map(|agent| &agent["name"]).collect();
    assert_eq!(names, ["claude", "opencode", "shell", "tiny"]);
    let claude = agent(&agents, "claude");
    assert_eq!((&claude["title"], &claude["ready"]), (&json!("Claude"), &json!(true)));
    assert_eq!(claude["image"], "localhost/agent-session-claude:latest");
    assert_eq!(claude["image_id"].as_str().unwrap().len(), 64);
    assert!(claude["size_bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!((&claude["folder"], &claude["error"]), (&Value::Null, &Value::Null));
    let tiny = agent(&agents, "tiny");
    assert_eq!(
        (&tiny["ready"], &tiny["image_id"], &tiny["size_bytes"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert!(tiny["folder"].as_str().unwrap().ends_with("/agents/tiny"));
}

#[test]
fn the_table_says_ready_and_not_built() {
    let env = TestEnv::new();
    env.agent("tiny", "command = ['true']", "FROM localhost/agent-session-base\n");
    let table = env.ok(&["agents"]).stdout;
    let rows: Vec<Vec<_>> = table
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0], ["AGENT", "STATUS", "DESCRIPTION"]);
    assert!(rows.contains(&vec!["tiny", "not built", "a test's"]), "{table}");
    assert!(rows.iter().any(|row| row[..2] == ["shell", "ready"]), "{table}");
}

#[test]
fn a_users_own_agent_hides_the_built_in_one_of_its_name() {
    let env = TestEnv::new();
    env.replace_shell("command = ['true']");
    let agents = env.json(&["agents"]);
    let shell = agent(&agents, "shell");
    assert_eq!((&shell["title"], &shell["outdated"]), (&json!("shell"), &json!(true)));
}

#[test]
fn a_broken_definition_names_file_line_and_key_and_takes_no_other_down() {
    let env = TestEnv::new();
    env.agent("typo", "command = ['true']\nresume_wen = 'x'", "FROM scratch\n");
    env.agent("kind", "command = 3", "FROM scratch\n");
    env.agent("none", "", "FROM scratch\n");
    env.agent("Upper", "command = ['true']", "FROM scratch\n");
    env.write(
        "home/.config/agent-session/agents/bare/agent.toml",
        "title = 'x'\ndescription = 'd'\ncommand = ['x']\n",
    );
    env.mkdir("home/.config/agent-session/agents/empty");
    env.mkdir("home/.config/agent-session/agents/.git");
    let agents = env.json(&["agents"]);
    for (name, words) in [
        ("typo", "typo/agent.toml:4:1: unknown field `resume_wen`"),
        ("kind", "kind/agent.toml:3:11: command: invalid type"),
        ("none", "missing field `command`"),
        ("Upper", "a-z, 0-9"),
        ("bare", "bare/Containerfile:1:1: the file is missing"),
        ("empty", "empty/agent.toml:1:1: cannot be read"),
    ] {
        let error = agent(&agents, name)["error"].as_str().unwrap();
        assert!(error.contains(words), "{name}: {error}");
        let error = env.fails(&["start", "-a", name], "invalid_config", 2);
        assert!(error["message"].as_str().unwrap().contains(words), "{name}: {error}");
        assert!(error["hint"].as_str().unwrap().contains("EDITOR"), "{error}");
        env.fails(&["build", name], "invalid_config", 2);
    }
    assert_eq!(agents.as_array().unwrap().len(), 3 + 6);
    assert!(env.ok(&["agents"]).stdout.contains("broken"));
    assert_eq!(env.json(&["start", "-a", "shell"])["status"], "running");
}

#[test]
fn a_session_whose_agent_became_broken_or_is_gone_still_starts() {
    let env = TestEnv::new();
    env.replace_shell("command = ['sleep', '1000']");
    env.ok(&["start", "-d", "-a", "shell"]);
    env.ok(&["stop"]);
    env.replace_shell("command = 3");
    assert_eq!(env.json(&["start"])["status"], "running");
    assert_eq!(env.json(&["stop"])["agent"], "shell");
}

#[test]
fn every_commands_help_has_examples_and_needs_no_podman() {
    let env = TestEnv::new();
    env.fake("podman", "#!/bin/sh\nexit 99\n");
    for command in
        ["start", "stop", "restart", "ls", "rm", "build", "agents", "inspect", "allow", "deny"]
    {
        let long = env.ok(&[command, "--help"]);
        assert!(long.stdout.contains(&format!("$ agent-session {command}")), "{command}");
        assert!(long.stdout.contains("Usage: agent-session"), "{command}");
        let short = env.ok(&[command, "-h"]);
        assert!(short.stdout.lines().count() < long.stdout.lines().count(), "{command}");
        assert!(env.ok(&["--help"]).stdout.contains(command));
    }
    let start = env.ok(&["start", "--help"]).stdout;
    assert!(start.contains("AGENT_SESSION_MOUNTS") && start.contains("AGENT_SESSION_KOB"));
    let version = format!("agent-session {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(env.ok(&["--version"]).stdout, version);
}
