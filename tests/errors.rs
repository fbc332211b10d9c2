//! Every failure: its code, its exit code, its form.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{TestEnv, eventually};

/// The text of every black-box test.
fn tests() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn every_code_of_the_program_is_provoked_by_a_test() {
    let source = include_str!("../src/error.rs");
    let begin = source.find("pub fn code(").unwrap();
    let body = &source[begin..begin + source[begin..].find("\n    }\n").unwrap()];
    let codes: Vec<_> = body.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() > 30, "{codes:?}");
    let tests = tests();
    for code in codes {
        // What is asked on a terminal has no JSON: there the words are looked for.
        let needle = match code {
            "declined" => "error: declined: ".to_owned(),
            "agent_required" => "no agent was chosen".into(),
            code => format!("\"{code}\", {}", exit_code(code)),
        };
        let split = needle.replace(", ", ",\n");
        let provokes =
            |text: &String| text.contains(&needle) || text.replace("  ", "").contains(&split);
        assert!(tests.iter().any(provokes), "no test provokes {code}");
    }
}

/// The table of the contract.
fn exit_code(code: &str) -> u8 {
    match code {
        "podman_failed" | "build_failed" | "base_unavailable" | "zellij_unavailable"
        | "server_failed" | "mend_failed" | "setup_failed" | "io" => 1,
        "usage" | "invalid_name" | "invalid_path" | "invalid_mount" | "invalid_env"
        | "invalid_config" => 2,
        "session_not_found" | "agent_not_found" | "project_not_found" | "path_not_found" => 3,
        "podman_missing" | "podman_too_old" | "podman_unreachable" | "podman_timeout" => 5,
        "confirmation_required" | "agent_required" | "declined" => 6,
        "mount_forbidden" | "project_untrusted" => 7,
        _ => 4,
    }
}

#[test]
fn a_podman_that_is_not_there_is_said_to_be_missing() {
    let mut env = TestEnv::new();
    let program = Path::new(env!("CARGO_BIN_EXE_agent-session")).parent().unwrap();
    let path = std::env::join_paths([env.path("bin").as_path(), program]).unwrap();
    let usual = format!("{}:/usr/bin", path.to_str().unwrap());
    env.set("PATH", path.to_str().unwrap());
    for args in [&["ls"][..], &["start"], &["stop"], &["agents"], &["build", "shell"]] {
        let error = env.fails(args, "podman_missing", 5);
        assert!(error["hint"].as_str().unwrap().contains("apt install podman"), "{error}");
    }
    env.set("PATH", &usual);
}

#[test]
fn a_podman_that_is_too_old_is_named_with_its_version() {
    let env = TestEnv::new();
    env.fake(
        "podman",
        "#!/bin/sh\n[ \"$1\" = --version ] && echo podman version 3.4.4 || exit 125\n",
    );
    let error = env.fails(&["ls"], "podman_too_old", 5);
    assert_eq!(error["message"], "podman 3.4.4 is too old: 4.0 or newer is needed");
}

#[test]
fn a_podman_that_does_not_work_is_told_in_its_own_words() {
    let mut env = TestEnv::new();
    env.fake("podman", "#!/bin/sh\n[ \"$1\" = --version ] && exec /usr/bin/podman --version\nprintf 'first\\nno \\033]0;x\\007socket\\n' >&2; exit 125\n");
    let error = env.fails(&["ls"], "podman_unreachable", 5);
    assert_eq!((&error["hint"], &error["causes"][0]), (&json!("podman info"), &json!("first")));
    let words = env.run(&["ls"]);
    assert_eq!((words.code, words.stdout.as_str()), (5, ""));
    assert!(words.stderr.starts_with("error: podman does not work here: no "), "{}", words.stderr);
    assert!(!words.stderr.contains(['\x1b', '\x07']), "{:?}", words.stderr);
    env.set("CONTAINER_HOST", "unix:///nowhere");
    assert_eq!(env.fails(&["ls"], "podman_unreachable", 5)["hint"], "podman machine start");
}

#[test]
fn a_podman_that_hangs_is_given_up_in_time_and_leaves_no_process() {
    let mut env = TestEnv::new();
    env.set("AGENT_SESSION_PODMAN_TIMEOUT", "");
    let pids = env.path("pids");
    let script = "#!/bin/sh\nsleep 1000 & echo $$ $! >>PIDS\nwait\n";
    env.fake("podman", &script.replace("PIDS", pids.to_str().unwrap()));
    let begin = Instant::now();
    let error = env.fails(&["ls"], "podman_timeout", 5);
    let elapsed = begin.elapsed();
    assert!(elapsed >= Duration::from_secs(5) && elapsed < Duration::from_secs(15), "{elapsed:?}");
    assert!(error["message"].as_str().unwrap().contains("within 5 s"), "{error}");
    let pids = fs::read_to_string(pids).unwrap();
    assert!(pids.split_whitespace().count() >= 2);
    for pid in pids.split_whitespace() {
        eventually("its processes are gone", || !is_alive(pid));
    }
}

/// Whether there is such a process that is not merely unburied.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn an_answer_that_is_not_json_is_a_failure_of_podmans() {
    let env = TestEnv::new();
    for answer in ["{", "[{}]", "null"] {
        env.podman_with(&format!("[ \"$1\" != ps ] || {{ echo '{answer}'; exit 0; }}"));
        let error = env.fails(&["ls"], "podman_failed", 1);
        assert!(
            error["message"].as_str().unwrap().contains("its JSON is not understood"),
            "{error}"
        );
    }
}

#[test]
fn a_terminal_server_that_does_not_start_is_told_with_its_words() {
    let env = TestEnv::new();
    env.podman_with("[ \"$1\" != exec ] || { echo up: no room >&2; exit 1; }");
    let error = env.fails(&["start", "-a", "shell"], "server_failed", 1);
    assert_eq!(
        error["message"],
        "the terminal server of session 'default' did not start: up: no room"
    );
    env.real("podman");
    assert_eq!(env.json(&["start"])["status"], "running");
}

#[test]
fn a_state_directory_that_cannot_be_made_is_told_with_its_path() {
    let env = TestEnv::new();
    env.write("home/.local/state", "a file");
    let error = env.fails(&["start", "-a", "shell"], "io", 1);
    assert!(error["message"].as_str().unwrap().contains(".local/state/agent-session"), "{error}");
}

#[test]
fn a_session_that_another_process_works_on_is_busy_until_it_is_done() {
    let mut env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.set("AGENT_SESSION_LOCK_TIMEOUT", "1");
    let lock =
        File::open(env.path("home/.local/state/agent-session/locks/session-default")).unwrap();
    lock.lock().unwrap();
    for args in [&["start"][..], &["restart"], &["stop"], &["stop", "--all"]] {
        let error = env.fails(args, "session_busy", 4);
        let words = "another agent-session has been at work on session 'default' for 1 s";
        assert_eq!(error["message"], words);
    }
    assert_eq!(env.status("default"), "running");
    assert_eq!(env.json(&["start", "-a", "shell", "-n", "other"])["status"], "running");
    drop(lock);
    assert_eq!(env.json(&["stop"])["status"], "stopped");
}

#[test]
fn a_session_of_a_newer_program_is_listed_and_not_changed() {
    let env = TestEnv::new();
    let labels = ["--label=io.agent-session.schema=2", "--label=io.agent-session.name=x"];
    env.podman(&[
        "create",
        "--name=agent-session-x",
        labels[0],
        labels[1],
        "localhost/agent-session-shell",
    ]);
    assert_eq!(env.status("x"), "created");
    for args in [&["start", "-n", "x"][..], &["restart", "x"], &["rm", "-f", "x"]] {
        env.fails(args, "session_too_new", 4);
    }
    assert_eq!(env.status("x"), "created");
    let problems = env.json(&["inspect", "x"])["problems"].to_string();
    assert!(problems.contains("newer"), "{problems}");
}

#[test]
fn variables_that_cannot_be_are_refused() {
    let env = TestEnv::new();
    for entry in [
        "1A=x",
        "A-B=x",
        "=x",
        "",
        "UNSET_HERE",
        "AGENT_SESSION=x",
        "AGENT_SESSION_COMMAND=x",
        "A\n=x",
    ] {
        env.fails(&["start", "-a", "shell", &format!("--env={entry}")], "invalid_env", 2);
    }
    let mut start =
        env.command("agent-session", &["--json", "start", "-a", "shell", "-e", "BYTES"]);
    start.env("BYTES", std::ffi::OsStr::from_bytes(b"\xff"));
    env.fails_as(start, "invalid_env", 2);
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn usage_errors_are_json_however_json_was_asked_for() {
    let mut env = TestEnv::new();
    env.fails(&["start", "--bogus"], "usage", 2);
    env.fails(&["nonsense"], "usage", 2);
    env.fails(&["stop", "--all", "x"], "usage", 2);
    for args in [
        &["--format=json", "nonsense"][..],
        &["--format", "json", "nonsense"],
        &["start", "--bogus", "--json"],
    ] {
        env.fails_as(env.command("agent-session", args), "usage", 2);
    }
    let words = env.run(&["start", "--bogus"]);
    assert_eq!(words.code, 2);
    assert!(words.stderr.starts_with("error: unexpected argument '--bogus'"), "{}", words.stderr);
    env.set("AGENT_SESSION_FORMAT", "json");
    env.fails_as(env.command("agent-session", &["nonsense"]), "usage", 2);
    // What comes behind `--` is the agent's.
    env.set("AGENT_SESSION_FORMAT", "");
    let words = env.run(&["start", "--bogus", "--", "--json"]);
    assert!(words.stderr.starts_with("error: unexpected"), "{}", words.stderr);
}

#[test]
fn the_variable_chooses_the_form_and_the_flag_wins() {
    let mut env = TestEnv::new();
    env.set("AGENT_SESSION_FORMAT", "json");
    assert_eq!(env.ok(&["ls"]).stdout, "[]\n");
    assert!(env.ok(&["ls", "--format", "table"]).stdout.starts_with("No sessions"));
    let error = env.run(&["stop", "x"]);
    assert_eq!(error.code, 3);
    assert!(error.stderr.starts_with("{\"error\":{"), "{}", error.stderr);
    env.set("AGENT_SESSION_FORMAT", "table");
    assert_eq!(env.ok(&["ls", "--json"]).stdout, "[]\n");
    env.set("AGENT_SESSION_FORMAT", "xml");
    let error = env.run(&["ls"]);
    assert_eq!(error.code, 2);
    assert!(error.stderr.contains("neither table nor json"), "{}", error.stderr);
    assert_eq!(env.ok(&["ls", "--json"]).stdout, "[]\n");
    env.fails(&["start", "-e", "A-B=x"], "invalid_env", 2);
}

#[test]
fn an_error_in_words_has_a_message_and_a_command_to_type() {
    let env = TestEnv::new();
    let output = env.run(&["stop", "X"]);
    assert_eq!((output.code, output.stdout.as_str()), (3, ""));
    assert_eq!(output.stderr, "error: session 'X' not found\nhint: agent-session ls\n");
}
