//! `ls`: every state, in both forms.

use std::fs;

use serde_json::{Value, json};

use crate::support::{TestEnv, eventually};

const FIELDS: [&str; 14] = [
    "agent",
    "clients",
    "container",
    "container_id",
    "created",
    "image",
    "image_id",
    "mounts",
    "name",
    "outdated",
    "project",
    "started",
    "status",
    "uptime_ns",
];

fn keys(object: &Value) -> Vec<&String> {
    object.as_object().unwrap().keys().collect()
}

fn first_words(text: &str, count: usize) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().take(count).collect()).collect()
}

#[test]
fn no_sessions_are_an_empty_list_in_json_and_a_hint_in_words() {
    let env = TestEnv::new();
    assert_eq!(env.ok(&["ls", "--json"]).stdout, "[]\n");
    assert_eq!(env.ok(&["ls"]).stdout, "No sessions. Start one: agent-session start\n");
}

#[test]
fn the_table_lists_name_agent_and_status_by_name_without_colour_in_a_pipe() {
    let env = TestEnv::new();
    for name in ["b", "a", "B"] {
        env.ok(&["start", "-d", "-a", "shell", "-n", name]);
    }
    env.ok(&["stop", "a"]);
    let table = env.ok(&["ls"]).stdout;
    assert!(!table.contains('\x1b'), "{table:?}");
    assert_eq!(
        first_words(&table, 3),
        [
            ["NAME", "AGENT", "STATUS"],
            ["B", "shell", "running"],
            ["a", "shell", "stopped"],
            ["b", "shell", "running"]
        ]
    );
}

#[test]
fn json_has_every_field_typed_with_null_for_what_a_stopped_session_lacks() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell", "-n", "x"]);
    let running = env.json(&["ls"])[0].clone();
    assert_eq!(keys(&running), FIELDS.iter().collect::<Vec<_>>());
    assert_eq!(running["container"], "agent-session-x");
    assert_eq!(running["container_id"].as_str().unwrap().len(), 64);
    assert_eq!(running["image"], "localhost/agent-session-shell:latest");
    assert_eq!(running["image_id"].as_str().unwrap().len(), 64);
    assert_eq!(running["project"], env.project().to_str().unwrap());
    let mount = json!({"source": env.project(), "target": "/workspace", "mode": "rw"});
    assert_eq!(running["mounts"], json!([mount]));
    assert!(running["uptime_ns"].is_u64() && running["clients"] == 0);
    for time in ["created", "started"] {
        let time: jiff::Timestamp = running[time].as_str().unwrap().parse().unwrap();
        assert!(time <= jiff::Timestamp::now());
    }

    env.ok(&["stop", "x"]);
    let stopped = env.json(&["ls"])[0].clone();
    assert_eq!(keys(&stopped), FIELDS.iter().collect::<Vec<_>>());
    assert_eq!((&stopped["started"], &stopped["uptime_ns"]), (&Value::Null, &Value::Null));
    assert_eq!(stopped["created"], running["created"]);
}

#[test]
fn a_paused_session_is_paused_until_start_lets_it_go_on() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.pause("default");
    assert_eq!(env.status("default"), "paused");
    assert_eq!(env.json(&["start"])["status"], "running");
    assert_eq!(env.inside("default", "pgrep --count zellij"), "1");
}

#[test]
fn a_session_whose_start_was_killed_before_the_container_ran_is_created_and_can_be_started() {
    let env = TestEnv::new();
    env.podman_with(
        "[ \"$1\" != run ] || { shift 2; /usr/bin/podman create \"$@\"; kill -KILL $PPID; exit 1; }",
    );
    assert_eq!(env.run(&["start", "-d", "-a", "shell"]).code, -1);
    env.real("podman");
    let id = env.podman(&["ps", "--all", "--quiet", "--no-trunc"]);
    assert_eq!(env.status("default"), "created");
    let started = env.json(&["start"]);
    assert_eq!((&started["status"], &started["container_id"]), (&json!("running"), &json!(id)));
}

#[test]
fn sessions_are_created_after_the_machine_was_restarted_and_start_again_with_their_homes() {
    let env = TestEnv::with_own_runtime();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.inside("default", "echo kept >~/file");
    env.reboot();
    assert_eq!(env.status("default"), "created");
    assert_eq!(env.json(&["start"])["status"], "running");
    assert_eq!(env.inside("default", "cat ~/file"), "kept");
}

#[test]
fn a_session_that_podman_cannot_stop_any_more_is_broken_and_start_makes_it_anew() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.inside("default", "echo kept >~/file");
    env.kill_monitor("default");
    env.podman(&["stop", "--time=1", "agent-session-default"]);
    assert_eq!(env.status("default"), "broken");
    let problems = env.json(&["inspect"])["problems"].to_string();
    assert!(problems.contains("monitor"), "{problems}");
    assert_eq!(env.json(&["start"])["status"], "running");
    assert_eq!(env.inside("default", "cat ~/file"), "kept");
}

#[test]
fn a_session_whose_container_was_pruned_is_stopped_and_comes_back_with_its_home() {
    let env = TestEnv::new();
    let made = env.json(&["start", "-a", "shell", "-e", "A=b c", "--", "-i"]);
    env.inside("default", "echo kept >~/file");
    env.podman(&["rm", "--force", "--time=0", "agent-session-default"]);
    let gone = env.json(&["ls"])[0].clone();
    assert_eq!((&gone["status"], &gone["container_id"]), (&json!("stopped"), &Value::Null));
    let back = env.run(&["start", "-d"]);
    assert!(back.stderr.contains("new container"), "{}", back.stderr);
    assert_eq!(env.inside("default", "cat ~/file; echo $A"), "kept\nb c");
    for field in ["created", "project", "mounts", "agent", "image_id"] {
        assert_eq!(env.json(&["ls"])[0][field], made[field], "{field}");
    }
}

#[test]
fn a_container_that_only_looks_like_a_session_is_not_listed() {
    let env = TestEnv::new();
    let labels = ["--label=io.agent-session.schema=1", "--label=io.agent-session.name=x"];
    let create = ["create", "--name=mine", labels[0], labels[1], "localhost/agent-session-shell"];
    env.podman(&create);
    env.podman(&["create", "--name=agent-session-y", "localhost/agent-session-shell"]);
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn a_podman_that_fails_at_any_of_its_lists_is_never_an_empty_list() {
    let env = TestEnv::new();
    for verb in ["ps", "volume", "images"] {
        env.podman_with(&format!("[ \"$1\" != {verb} ] || {{ echo lost >&2; exit 125; }}"));
        let error = env.fails(&["ls"], "podman_unreachable", 5);
        assert_eq!(error["causes"], json!(["lost"]), "{verb}");
    }
}

#[test]
fn one_failure_of_podmans_is_asked_again() {
    let env = TestEnv::new();
    let once = env.path("once");
    let script = "if [ \"$1\" = ps ] && mkdir ONCE 2>/dev/null; then exit 125; fi";
    env.podman_with(&script.replace("ONCE", once.to_str().unwrap()));
    assert_eq!(env.json(&["ls"]), json!([]));
    assert!(fs::metadata(once).is_ok());
}

#[test]
fn an_end_of_the_container_from_inside_is_seen() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.podman(&["kill", "--signal=KILL", "agent-session-default"]);
    eventually("the session is stopped", || env.status("default") == "stopped");
    assert_eq!(env.json(&["restart"])["status"], "running");
}
