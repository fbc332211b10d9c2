//! `rm`: what it refuses, what it takes away, and that it takes nothing else.

use serde_json::{Value, json};

use crate::support::TestEnv;

const SHELL: &str = "localhost/agent-session-shell";

/// An environment in which the agent `shell` is given a key, so that sessions have a secret.
fn with_key() -> TestEnv {
    let mut env = TestEnv::new();
    env.replace_shell("command = ['fish']\n[[credentials]]\nenv = 'SOME_KEY'");
    env.set("SOME_KEY", "not for anybody");
    env
}

fn stopped(env: &TestEnv, name: &str) {
    env.ok(&["start", "-d", "-a", "shell", "-n", name]);
    env.ok(&["stop", name]);
}

fn lines(env: &TestEnv, args: &[&str]) -> Vec<String> {
    let mut lines: Vec<_> = env.podman(args).lines().map(String::from).collect();
    lines.sort();
    lines
}

fn containers(env: &TestEnv) -> Vec<String> {
    lines(env, &["ps", "--all", "--format={{.Names}}"])
}

fn volumes(env: &TestEnv) -> Vec<String> {
    lines(env, &["volume", "ls", "--format={{.Name}}"])
}

fn secrets(env: &TestEnv) -> Vec<String> {
    lines(env, &["secret", "ls", "--format={{.Name}}"])
}

fn nothing_is_left(env: &TestEnv) {
    assert_eq!((containers(env), volumes(env), secrets(env)), (vec![], vec![], vec![]));
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn a_running_session_is_refused_with_the_documented_words_even_by_force() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell", "-n", "x"]);
    for args in [&["rm", "x"][..], &["rm", "-f", "x"]] {
        let error = env.fails(args, "session_running", 4);
        assert_eq!(error["message"], "cannot remove running session 'x'");
        assert_eq!(error["hint"], "agent-session stop x && agent-session rm x");
    }
    let words = env.run(&["rm", "x"]);
    assert!(words.stderr.starts_with("error: cannot remove running session 'x'\nhint: "));
    assert_eq!(env.status("x"), "running");
}

#[test]
fn a_paused_session_is_refused_like_a_running_one() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.pause("default");
    env.fails(&["rm", "-f"], "session_running", 4);
    assert_eq!(env.status("default"), "paused");
}

#[test]
fn without_a_terminal_a_confirmation_is_required_and_nothing_is_removed() {
    let env = TestEnv::new();
    stopped(&env, "x");
    let error = env.fails(&["rm", "x"], "confirmation_required", 6);
    assert_eq!(error["hint"], "agent-session rm --force x");
    assert_eq!(env.run(&["rm", "x"]).code, 6);
    assert_eq!(env.status("x"), "stopped");
}

#[test]
fn force_removes_container_volume_and_secrets() {
    let env = with_key();
    stopped(&env, "x");
    assert_eq!(secrets(&env), ["agent-session.x.SOME_KEY"]);
    assert_eq!(env.json(&["rm", "-f", "x"]), json!({"name": "x", "removed": true}));
    nothing_is_left(&env);
    env.fails(&["rm", "-f", "x"], "session_not_found", 3);
}

#[test]
fn what_belongs_to_others_stays() {
    let env = with_key();
    for name in ["a", "a.b", "a-b", "A"] {
        stopped(&env, name);
    }
    env.podman(&["create", "--name=agent-session-a2", SHELL]);
    env.podman(&["create", "--name=other-agent-session-a", SHELL]);
    env.podman(&["volume", "create", "agent-session-a.c"]);
    env.write("secret", "x");
    let file = env.path("secret");
    for name in ["agent-session.a", "my.agent-session.a.KEY", "agent-session.a.b.c.KEY"] {
        env.podman(&["secret", "create", name, file.to_str().unwrap()]);
    }
    let without = |list: Vec<String>, gone: &str| {
        list.into_iter().filter(|name| name != gone).collect::<Vec<_>>()
    };
    let expected = (
        without(containers(&env), "agent-session-a"),
        without(volumes(&env), "agent-session-a"),
        without(secrets(&env), "agent-session.a.SOME_KEY"),
    );
    env.ok(&["rm", "-f", "a"]);
    assert_eq!((containers(&env), volumes(&env), secrets(&env)), expected);
    assert_eq!((expected.0.len(), expected.1.len(), expected.2.len()), (5, 4, 6));
}

#[test]
fn the_project_and_its_files_stay() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.inside("default", "echo work >/workspace/file");
    env.ok(&["stop"]);
    env.ok(&["rm", "-f"]);
    assert_eq!(std::fs::read_to_string(env.project().join("file")).unwrap(), "work\n");
}

#[test]
fn several_names_are_removed_together_or_not_at_all() {
    let env = TestEnv::new();
    stopped(&env, "a");
    stopped(&env, "b");
    env.fails(&["rm", "-f", "a", "missing", "b"], "session_not_found", 3);
    env.ok(&["start", "-d", "-n", "b"]);
    env.fails(&["rm", "-f", "a", "b"], "session_running", 4);
    assert_eq!(env.status("a"), "stopped");
    env.ok(&["stop", "b"]);
    let removed = env.json(&["rm", "-f", "b", "a"]);
    let one = |name: &str| json!({"name": name, "removed": true});
    assert_eq!(removed, json!([one("b"), one("a")]));
    nothing_is_left(&env);
}

#[test]
fn a_session_that_has_only_its_volume_left_is_removed() {
    let env = with_key();
    stopped(&env, "x");
    env.podman(&["rm", "agent-session-x"]);
    assert_eq!(env.status("x"), "stopped");
    env.ok(&["rm", "-f", "x"]);
    nothing_is_left(&env);
}

#[test]
fn a_session_that_has_only_its_container_left_is_removed() {
    let env = with_key();
    stopped(&env, "x");
    let inspected = env.podman(&["container", "inspect", "agent-session-x"]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let labels = inspected[0]["Config"]["Labels"].as_object().unwrap();
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("--label={key}={}", value.as_str().unwrap()))
        .collect();
    env.podman(&["rm", "--volumes", "agent-session-x"]);
    env.podman(&["volume", "rm", "agent-session-x"]);
    let labels: Vec<_> = labels.iter().map(String::as_str).collect();
    let create = [&["create", "--name=agent-session-x"][..], &labels, &[SHELL]].concat();
    env.podman(&create);
    let problems = env.json(&["inspect", "x"])["problems"].to_string();
    assert!(problems.contains("home volume is gone"), "{problems}");
    env.ok(&["rm", "-f", "x"]);
    nothing_is_left(&env);
}

#[test]
fn a_removal_that_was_killed_at_any_step_can_be_repeated() {
    for step in ["rm", "secret rm", "volume rm"] {
        let env = with_key();
        stopped(&env, "x");
        env.podman_with(&format!("case \"$*\" in '{step} '*) kill -KILL $PPID; exit 1;; esac"));
        assert_eq!(env.run(&["rm", "-f", "x"]).code, -1, "{step}");
        env.real("podman");
        assert_eq!(env.status("x"), "stopped", "{step}");
        env.ok(&["rm", "-f", "x"]);
        nothing_is_left(&env);
    }
}

#[test]
fn a_name_that_a_killed_podman_left_reserved_is_freed_by_start() {
    let mut env = TestEnv::new();
    // A container in podman's storage that podman itself does not know of.
    let conf = std::fs::read_to_string(env.path("containers.conf")).unwrap();
    let mut conf: toml::Table = conf.parse().unwrap();
    let engine = conf.entry("engine").or_insert_with(|| toml::Table::new().into());
    for (key, folder) in [("static_dir", "static"), ("tmp_dir", "tmp"), ("volume_path", "volumes")]
    {
        let path = env.path("other").join(folder);
        engine.as_table_mut().unwrap().insert(key.into(), path.to_str().unwrap().into());
    }
    let usual = env.path("containers.conf");
    let other = env.write("other.conf", &conf.to_string());
    env.set("CONTAINERS_CONF", other.to_str().unwrap());
    env.podman(&["create", "--name=agent-session-x", SHELL]);
    env.set("CONTAINERS_CONF", usual.to_str().unwrap());
    assert_eq!(containers(&env), Vec::<String>::new());

    assert_eq!(env.json(&["start", "-a", "shell", "-n", "x"])["status"], "running");
    env.ok(&["stop", "x"]);
    env.ok(&["rm", "-f", "x"]);
    nothing_is_left(&env);
}

#[test]
fn a_container_of_somebody_elses_under_the_name_is_neither_used_nor_removed() {
    let env = TestEnv::new();
    env.podman(&["create", "--name=agent-session-x", SHELL]);
    let error = env.fails(&["start", "-a", "shell", "-n", "x"], "name_taken", 4);
    assert_eq!(error["hint"], "podman inspect agent-session-x");
    env.fails(&["rm", "-f", "x"], "session_not_found", 3);
    assert_eq!(containers(&env), ["agent-session-x"]);
    assert_eq!((volumes(&env), env.json(&["ls"])), (vec![], json!([])));
}

#[test]
fn a_volume_of_somebody_elses_under_the_name_is_neither_used_nor_removed() {
    let env = with_key();
    env.podman(&["volume", "create", "agent-session-x"]);
    env.fails(&["start", "-a", "shell", "-n", "x"], "name_taken", 4);
    env.fails(&["rm", "-f", "x"], "session_not_found", 3);
    assert_eq!((containers(&env), volumes(&env)), (vec![], vec!["agent-session-x".into()]));
    assert_eq!(secrets(&env), Vec::<String>::new());
}
