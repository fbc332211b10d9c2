//! `inspect`: everything about a session but its secrets, and the wall around its container.

use serde_json::{Value, json};

use crate::support::TestEnv;

fn labels(session: &Value) -> Vec<&str> {
    let names = session["labels"].as_object().unwrap().keys();
    let own = names.filter_map(|name| name.strip_prefix("io.agent-session."));
    own.filter(|name| !name.starts_with("version.")).collect()
}

#[test]
fn it_shows_what_ls_shows_and_arguments_limits_policy_versions_and_labels() {
    let env = TestEnv::new();
    env.record_shell("");
    env.ok(&["start", "-d", "-a", "shell", "-n", "x", "-e", "A=1", "--", "one two"]);
    let all = env.json(&["inspect", "x"]);
    for (key, value) in env.json(&["ls"])[0].as_object().unwrap() {
        if key != "uptime_ns" {
            assert_eq!(all[key], *value, "{key}");
        }
    }
    assert_eq!(all["agent_args"], json!(["one two"]));
    assert_eq!(all["environment"], json!(["A"]));
    assert_eq!((&all["secrets"], &all["problems"]), (&json!([]), &json!([])));
    assert_eq!(all["volume"], "agent-session-x");
    assert_eq!(all["policy"]["network"], "none");
    assert_eq!(all["versions"]["agent_session"], env!("CARGO_PKG_VERSION"));
    let table = env.ok(&["inspect", "x"]).stdout;
    for words in ["Name:            x\n", "Status:          running\n", "Mount:           /"] {
        assert!(table.contains(words), "{table}");
    }
}

#[test]
fn a_container_has_no_capability_no_way_to_gain_one_and_limits() {
    let env = TestEnv::new();
    let all = {
        env.ok(&["start", "-d", "-a", "shell"]);
        env.json(&["inspect"])
    };
    assert_eq!(all["limits"]["pids"], 2048);
    assert!(all["limits"]["memory_bytes"].as_u64().unwrap() <= 8 << 30);
    let policy = &all["policy"];
    assert_eq!(
        (&policy["no_new_privileges"], &policy["privileged"]),
        (&json!(true), &json!(false))
    );
    let status = env.inside(
        "default",
        "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; id -u; cat /proc/1/comm",
    );
    let lines: Vec<Vec<_>> = status.lines().map(|line| line.split_whitespace().collect()).collect();
    for line in &lines[..5] {
        assert_eq!(line[1], "0000000000000000", "{line:?}");
    }
    assert_eq!(lines[5], ["NoNewPrivs:", "1"]);
    assert_eq!((lines[6][0], lines[7][0]), ("1000", "podman-init"));
    let memory = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || true";
    let held: u64 = env.inside("default", memory).lines().next().unwrap().parse().unwrap();
    assert!(held <= 8 << 30, "{held}");
}

#[test]
fn labels_on_container_and_volume_tell_everything() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    let expected = [
        "agent",
        "args",
        "certificates",
        "created",
        "definition",
        "env",
        "image",
        "image-id",
        "layer",
        "mounts",
        "name",
        "project",
        "schema",
        "secrets",
        "source.base",
        "source.zellij",
        "version",
    ];
    let with_env: Value =
        serde_json::from_str(&env.podman(&["container", "inspect", "agent-session-default"]))
            .unwrap();
    let on_container = json!({"labels": with_env[0]["Config"]["Labels"]});
    assert_eq!(labels(&on_container), expected);
    let mounts = on_container["labels"]["io.agent-session.mounts"].as_str().unwrap();
    let mounts: Value = serde_json::from_str(mounts).unwrap();
    assert!(mounts[0]["device"].is_u64() && mounts[0]["inode"].is_u64());
    let volume: Value =
        serde_json::from_str(&env.podman(&["volume", "inspect", "agent-session-default"])).unwrap();
    let of_image = ["certificates", "definition", "image", "layer", "source.base", "source.zellij"];
    let expected: Vec<_> = expected.into_iter().filter(|name| !of_image.contains(name)).collect();
    assert_eq!(labels(&json!({"labels": volume[0]["Labels"]})), expected);
}

#[test]
fn no_value_of_a_secret_or_of_a_variable_is_in_it() {
    let mut env = TestEnv::new();
    env.replace_shell("command = ['fish']\n[[credentials]]\nenv = 'SOME_KEY'");
    env.set("SOME_KEY", "hidden-key");
    env.set("PASSED", "hidden-passed");
    let args = ["start", "-d", "-a", "shell", "-e", "TOKEN=hidden-token", "-e", "PASSED"];
    env.ok(&args);
    let seen = |env: &TestEnv| {
        let json = env.json(&["inspect"]);
        assert_eq!(json["environment"], json!(["TOKEN", "PASSED"]));
        assert_eq!(json["secrets"], json!(["SOME_KEY"]));
        let all =
            json.to_string() + &env.ok(&["inspect"]).stdout + &env.ok(&["ls", "--json"]).stdout;
        assert!(!all.contains("hidden"), "{all}");
    };
    seen(&env);
    env.podman(&["rm", "--force", "--time=0", "agent-session-default"]);
    seen(&env);
}

#[test]
fn a_session_without_a_container_says_what_is_wrong() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.podman(&["rm", "--force", "--time=0", "agent-session-default"]);
    let all = env.json(&["inspect"]);
    assert_eq!((&all["limits"], &all["policy"]), (&Value::Null, &Value::Null));
    assert!(all["problems"][0].as_str().unwrap().contains("start makes it anew"), "{all}");
    env.fails(&["inspect", "missing"], "session_not_found", 3);
}

#[test]
fn paths_with_control_sequences_in_labels_do_not_reach_the_terminal_raw() {
    let env = TestEnv::new();
    env.record_shell("");
    env.ok(&["start", "-d", "-a", "shell", "--", "\x1b]0;evil\x07\u{202e}"]);
    let table = env.ok(&["inspect"]).stdout;
    assert!(!table.contains(['\x1b', '\x07', '\u{202e}']) && table.contains("evil"), "{table:?}");
}
