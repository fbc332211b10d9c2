//! `status`: the session of a directory's project, for people and for prompts.

use std::fs;

use serde_json::json;

use crate::support::{TestEnv, eventually, kill};

const FILE: &str = "project/.agent-session.toml";

fn allowed(env: &TestEnv) {
    env.write(FILE, "agent = 'shell'\nname = 'web'");
    env.ok(&["allow"]);
}

/// What a prompt shows, which asks nobody.
fn prompt(env: &TestEnv) -> String {
    env.fake("podman", "#!/bin/sh\necho asked >>\"$0.log\"\nexec sleep 1000\n");
    let output = env.ok(&["status", "--prompt"]);
    assert_eq!(output.stderr, "");
    env.real("podman");
    assert!(!env.path("bin/podman.log").exists());
    output.stdout
}

#[test]
fn a_prompt_follows_the_session_through_its_states() {
    let env = TestEnv::new();
    let container = "agent-session-web";
    assert_eq!(prompt(&env), "");
    env.write(FILE, "not TOML [");
    assert_eq!(prompt(&env), "not allowed\n");
    allowed(&env);
    // Podman makes its store when it is first used.
    assert_eq!(prompt(&env), "web\n");
    env.podman(&["ps"]);
    assert_eq!(prompt(&env), "web none\n");
    env.ok(&["start", "-d"]);
    assert_eq!(prompt(&env), "web running\n");
    assert_eq!(env.json(&["status", "--prompt"])["status"], "running");
    env.pause("web");
    assert_eq!(prompt(&env), "web paused\n");
    env.podman(&["unpause", container]);
    env.ok(&["stop"]);
    assert_eq!(prompt(&env), "web stopped\n");
    env.ok(&["start", "-d"]);
    let pid = env.podman(&["inspect", "--format={{.State.Pid}}", container]);
    env.kill_monitor("web");
    assert_eq!(prompt(&env), "web running\n");
    kill("KILL", &pid);
    eventually("it is seen to be dead", || prompt(&env) == "web stopped\n");
    // Podman removes what it could not stop; only its home is left.
    env.ok(&["stop"]);
    assert_eq!(prompt(&env), "web stopped\n");
    env.ok(&["rm", "-f"]);
    assert_eq!(prompt(&env), "web none\n");
    env.ok(&["deny"]);
    assert_eq!(prompt(&env), "");
}

#[test]
fn a_prompt_says_no_more_than_the_name_where_podman_is_elsewhere() {
    let mut env = TestEnv::new();
    allowed(&env);
    env.set("CONTAINER_HOST", "ssh://nowhere/x");
    assert_eq!(prompt(&env), "web\n");
    let report = env.json(&["status", "--prompt"]);
    assert_eq!((&report["known"], &report["status"]), (&json!(false), &json!(null)));
}

#[test]
fn a_prompt_of_an_ordinary_user() {
    let env = TestEnv::rootless();
    let name = env.name("status");
    env.write(FILE, &format!("agent = 'shell'\nname = '{name}'"));
    env.ok(&["allow"]);
    assert_eq!(env.ok(&["status", "--prompt"]).stdout, format!("{name} none\n"));
    env.ok(&["start", "-d"]);
    assert_eq!(env.ok(&["status", "--prompt"]).stdout, format!("{name} running\n"));
    env.ok(&["stop"]);
    assert_eq!(env.ok(&["status", "--prompt"]).stdout, format!("{name} stopped\n"));
}

#[test]
fn status_asks_podman() {
    let env = TestEnv::new();
    assert_eq!(env.json(&["status"])["project"], json!(null));
    assert!(env.ok(&["status"]).stdout.contains("agent-session project init"));
    env.write(FILE, "x");
    assert_eq!(env.json(&["status"])["trust"], "untrusted");
    fs::remove_file(env.path(FILE)).unwrap();
    allowed(&env);
    assert!(env.ok(&["status"]).stdout.ends_with("is not there yet.\n"));
    env.ok(&["start", "-d"]);
    assert!(env.ok(&["status"]).stdout.starts_with("Session 'web' of "));
    let sub = env.mkdir("project/src/deep");
    let mut command = env.command("agent-session", &["status", "--json"]);
    command.current_dir(sub);
    let report: serde_json::Value = serde_json::from_str(&env.finish(command).stdout).unwrap();
    assert_eq!(report["status"], "running");
    assert_eq!(report["project"], env.project().to_str().unwrap());
    env.fake("podman", "#!/bin/sh\nexit 99\n");
    env.fails(&["status"], "podman_unreachable", 5);
}
