//! What the user's guide says under "Troubleshooting": each entry for real, with what mends it.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::TestEnv;
use crate::support::patient::{Patient, one};

#[test]
fn podman_command_not_found() {
    let mut env = TestEnv::new();
    let program = Path::new(env!("CARGO_BIN_EXE_agent-session")).parent().unwrap();
    let usual = env.var("PATH");
    env.set("PATH", program.to_str().unwrap());
    for args in [&["ls"][..], &["start", "--detach"], &["restart"]] {
        let error = env.fails(args, "podman_missing", 5);
        assert!(error["hint"].as_str().unwrap().starts_with("sudo apt install podman"), "{error}");
    }
    env.set("PATH", &usual);
}

#[test]
fn cannot_connect_to_podman() {
    let mut env = TestEnv::new();
    env.set("CONTAINER_HOST", "unix:///nowhere");
    let error = env.fails(&["ls"], "podman_unreachable", 5);
    assert_eq!(error["hint"], "podman machine start");
    let error = env.fails(&["start", "--detach", "--agent", "shell"], "podman", 5);
    let words = "podman runs elsewhere and cannot be reached";
    assert!(error["message"].as_str().unwrap().ends_with(words), "{error}");
    assert_eq!(error["hint"], "podman system connection list");
    env.unset("CONTAINER_HOST");
}

#[test]
fn uid_mapping_errors() {
    let machine = Patient::of_user();
    // An image without a file, which is there before the ids are lost.
    machine.empty_image("localhost/agent-session-shell");
    for file in ["subuid", "subgid"] {
        fs::write(machine.etc(file), "").unwrap();
    }
    machine.env.podman(&["system", "migrate"]);
    let start = ["start", "--detach", "--agent", "shell"];
    let error = machine.env.fails(&start, "subordinate_ids", 5);
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.starts_with("sudo usermod --add-subuids 100000-165535"), "{error}");
    assert!(hint.ends_with("&& podman system migrate"), "{error}");
    // The hint can be typed.
    let typed = machine.env.finish(machine.env.command("sh", &["-c", hint]));
    assert_eq!(typed.code, 0, "{}", typed.stderr);
    machine.finds("subordinate_ids", "ok");
    machine.finds("container", "ok");
}

#[test]
fn session_not_found() {
    let env = TestEnv::new();
    for args in [&["stop", "nosuch"][..], &["restart", "nosuch"], &["rm", "--force", "nosuch"]] {
        let error = env.fails(args, "session_not_found", 3);
        assert_eq!(error["message"], "session 'nosuch' not found");
        assert_eq!(error["hint"], "agent-session ls");
    }
}

#[test]
fn cannot_remove_running_session() {
    let env = TestEnv::new();
    env.ok(&["start", "--detach", "--agent", "shell", "--name", "x"]);
    let error = env.fails(&["rm", "--force", "x"], "session_running", 4);
    assert!(
        error["message"].as_str().unwrap().contains("cannot remove running session"),
        "{error}"
    );
    assert_eq!(error["hint"], "agent-session stop x && agent-session rm x");
    env.ok(&["stop", "x"]);
    assert_eq!(env.status("x"), "stopped");
    env.ok(&["rm", "--force", "x"]);
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn image_not_built() {
    let env = TestEnv::new();
    env.agent("tiny", "command = [\"fish\"]", "FROM localhost/agent-session-base\n");
    let error = env.fails(&["start", "--detach", "--agent", "tiny"], "image_not_built", 4);
    assert_eq!(error["hint"], "agent-session build tiny");
    // On a terminal there is a question: tests/prompts.rs.
    env.ok(&["build", "tiny"]);
    assert_eq!(env.json(&["start", "--detach", "--agent", "tiny"])["status"], "running");
}

#[test]
fn missing_credentials() {
    let machine = Patient::of_root();
    let finds = |status| {
        let (_, mut checks) = machine.doctor(&[]);
        checks.retain(|check| check["found"].as_str().unwrap().starts_with("claude "));
        one(&checks, "credentials", status)
    };
    assert_eq!(finds("note")["fix"], "export ANTHROPIC_API_KEY=…");
    machine.env.write("home/.claude.json", "{\"apiKey\": \"your-api-key-here\"}");
    finds("ok");
    // Modes and JSON that is none: tests/doctor.rs.
    let start = ["start", "--detach", "--agent", "claude"];
    assert_eq!(machine.env.json(&start)["status"], "running");
}
