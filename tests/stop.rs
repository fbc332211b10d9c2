//! `stop`: every state, one and several.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{TestEnv, eventually, kill};

fn with_sessions(names: &[&str]) -> TestEnv {
    let env = TestEnv::new();
    for name in names {
        env.ok(&["start", "-d", "-a", "shell", "-n", name]);
    }
    env
}

#[test]
fn stopping_a_stopped_session_succeeds_and_changes_nothing() {
    let env = with_sessions(&["default"]);
    let first = env.json(&["stop"]);
    assert_eq!(first["status"], "stopped");
    assert_eq!(env.json(&["stop"]), first);
    assert_eq!(env.ok(&["stop"]).stdout, "Session 'default' is stopped.\n");
}

#[test]
fn several_names_give_a_list_in_their_order_and_leave_others_alone() {
    let env = with_sessions(&["a", "b", "c"]);
    let stopped = env.json(&["stop", "b", "a", "b"]);
    let names: Vec<_> = stopped.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(["a", "b", "c"].map(|name| env.status(name)), ["stopped", "stopped", "running"]);
}

#[test]
fn all_stops_every_session_and_is_an_empty_list_where_there_is_none() {
    let env = with_sessions(&["a", "b"]);
    env.ok(&["stop", "a"]);
    let stopped = env.json(&["stop", "--all"]);
    assert_eq!((&stopped[0]["name"], &stopped[1]["name"]), (&json!("a"), &json!("b")));
    assert_eq!(["a", "b"].map(|name| env.status(name)), ["stopped", "stopped"]);
    assert_eq!(TestEnv::new().json(&["stop", "--all"]), json!([]));
}

#[test]
fn a_missing_name_among_several_stops_nothing_and_gets_the_nearest_as_hint() {
    let env = with_sessions(&["frontend"]);
    let error = env.fails(&["stop", "frontend", "frontnd"], "session_not_found", 3);
    assert_eq!(error["message"], "session 'frontnd' not found");
    assert!(error["hint"].as_str().unwrap().contains("'frontend'"), "{error}");
    assert_eq!(env.status("frontend"), "running");
}

#[test]
fn names_are_case_sensitive() {
    let env = with_sessions(&["a"]);
    env.fails(&["stop", "A"], "session_not_found", 3);
    assert_eq!(env.status("a"), "running");
}

#[test]
fn a_paused_session_is_stopped() {
    let env = with_sessions(&["default"]);
    env.pause("default");
    assert_eq!(env.json(&["stop"])["status"], "stopped");
}

#[test]
fn a_session_whose_monitor_died_is_stopped_and_comes_back_with_its_home() {
    let env = with_sessions(&["default"]);
    env.inside("default", "echo kept >~/file");
    env.kill_monitor("default");
    assert_eq!(env.json(&["stop"])["status"], "stopped");
    assert_eq!(env.json(&["stop"])["status"], "stopped");
    assert_eq!(env.json(&["restart"])["status"], "running");
    assert_eq!(env.inside("default", "cat ~/file"), "kept");
}

#[test]
fn a_session_that_does_not_react_is_killed() {
    let env = with_sessions(&["default"]);
    let pid = env.podman(&["inspect", "--format={{.State.Pid}}", "agent-session-default"]);
    kill("STOP", &pid);
    assert_eq!(env.json(&["stop"])["status"], "stopped");
}

/// A script that says into its file in the project that it runs, that it was told to end, and that
/// it did, which it does as soon as all of `company` were told.
fn program(file: &str, signal: &str, company: &[&str]) -> String {
    let pause = "read -t .1 <> <(:)";
    let company = company.join(" ");
    let end = format!(
        "echo told >{file}; while grep -qx up {company}; do {pause}; done; echo ended >{file}"
    );
    format!("trap '{end}; exit' {signal}; echo up >{file}; while :; do {pause}; done")
}

fn wait_until_said(env: &TestEnv, file: &str, text: &str) {
    let file = env.project().join(file);
    eventually(&format!("{} says {text}", file.display()), || {
        fs::read_to_string(&file).is_ok_and(|said| said.trim_end() == text)
    });
}

fn exec(env: &TestEnv, script: &str) {
    env.podman(&["exec", "-d", "agent-session-default", "bash", "-c", script]);
}

#[test]
fn a_session_runs_until_all_that_is_inside_has_ended_in_order() {
    let env = TestEnv::new();
    let all = ["agent", "deaf", "program", "suspended"];
    // What is deaf to the end of its terminal ends as programs do that have none.
    let agent = format!("(trap '' HUP; exec bash deaf.sh) &\n{}", program("agent", "HUP", &all));
    env.write("project/agent.sh", &agent);
    env.write("project/deaf.sh", &program("deaf", "TERM", &all));
    env.replace_shell("command = ['bash', 'agent.sh']");
    env.ok(&["start", "-d", "-a", "shell"]);
    exec(&env, &program("program", "TERM", &all));
    exec(&env, &program("suspended", "TERM", &all));
    for file in all {
        wait_until_said(&env, file, "up");
    }
    env.inside("default", "pkill -STOP -f '>[s]uspended'");
    env.ok(&["stop"]);
    assert_eq!(env.status("default"), "stopped");
    for file in all {
        wait_until_said(&env, file, "ended");
    }
}

#[test]
fn a_server_to_which_the_end_of_its_terminal_means_something_else_is_told_twice() {
    let env = TestEnv::new();
    let server = program("server", "TERM", &["server"]);
    env.write("project/agent.sh", &format!("trap : HUP; {server}"));
    env.replace_shell("command = ['bash', 'agent.sh']");
    env.ok(&["start", "-d", "-a", "shell"]);
    wait_until_said(&env, "server", "up");
    env.ok(&["stop"]);
    wait_until_said(&env, "server", "ended");
}

#[test]
fn what_does_not_end_is_killed() {
    let env = with_sessions(&["default"]);
    exec(&env, "trap '' HUP TERM; echo up >deaf; exec sleep infinity");
    wait_until_said(&env, "deaf", "up");
    assert_eq!(env.json(&["stop"])["status"], "stopped");
}

#[test]
fn one_session_that_cannot_be_stopped_does_not_keep_the_others_running() {
    let env = with_sessions(&["a", "b"]);
    env.podman_with(
        "case \"$*\" in stop*name=a|stop*agent-session-a) echo no >&2; exit 125;; esac",
    );
    let error = env.fails(&["stop", "a", "b"], "podman_failed", 1);
    assert_eq!(error["causes"], json!(["no"]));
    assert_eq!(["a", "b"].map(|name| env.status(name)), ["running", "stopped"]);
}

#[test]
fn locks_are_private_to_the_user() {
    let env = with_sessions(&["default"]);
    let mode = |path: &str| fs::metadata(env.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("home/.local/state/agent-session/locks"), 0o700);
    assert_eq!(mode("home/.local/state/agent-session/locks/session-default"), 0o600);
}

#[test]
fn a_container_of_somebody_elses_with_a_copied_label_goes_on() {
    let env = with_sessions(&["default"]);
    // What `podman commit` of a session and a run of that image would leave.
    let label = "--label=io.agent-session.name=default";
    let image = "localhost/agent-session-shell";
    env.podman(&["run", "-d", "--name=theirs", label, image, "sleep", "infinity"]);
    env.ok(&["stop"]);
    let running = |name| env.podman(&["inspect", "--format={{.State.Running}}", name]);
    assert_eq!(["agent-session-default", "theirs"].map(running), ["false", "true"]);
}
