//! `config` and `project`: settings, and who said so.

use std::fs;

use serde_json::{Value, json};

use crate::support::TestEnv;

const FILE: &str = "project/.agent-session.toml";
const USER: &str = "home/.config/agent-session/config.toml";

/// What holds: `(value, source)` of each row with this key.
fn rows(env: &TestEnv, key: &str, flags: &[&str]) -> Vec<(Value, String)> {
    let report = env.json(&[&["config", "show"], flags].concat());
    let rows = report["settings"].as_array().unwrap().iter().filter(|row| row["key"] == key);
    rows.map(|row| (row["value"].clone(), row["source"].as_str().unwrap().to_owned())).collect()
}

fn row(env: &TestEnv, key: &str, flags: &[&str]) -> (Value, String) {
    let [row] = &rows(env, key, flags)[..] else { panic!("{key}: not one row") };
    row.clone()
}

#[test]
fn each_later_one_wins_and_is_named() {
    let mut env = TestEnv::new();
    let said = |value: &str, source: &str| (json!(value), source.to_owned());
    assert_eq!(row(&env, "agent", &[]), said("claude", "built_in"));
    assert_eq!(row(&env, "auto", &[]), said("attach", "built_in"));
    env.write(USER, "agent = 'opencode'\nauto = 'hint'\n[env]\nA = '1'\nB = '1'\n");
    assert_eq!(row(&env, "agent", &[]), said("opencode", "user_file"));
    env.write(FILE, "agent = 'shell'\nname = 'web'\nauto = 'off'\nenv = { B = '2', C = '2' }");
    env.ok(&["allow"]);
    assert_eq!(row(&env, "agent", &[]), said("shell", "project_file"));
    assert_eq!(row(&env, "auto", &[]), said("off", "project_file"));
    assert_eq!(row(&env, "name", &[]), said("web", "project_file"));
    env.set("AGENT_SESSION_AGENT", "claude");
    env.set("AGENT_SESSION_AUTO", "background");
    assert_eq!(row(&env, "agent", &[]), said("claude", "environment"));
    assert_eq!(row(&env, "auto", &[]), said("background", "environment"));
    assert_eq!(row(&env, "agent", &["-a", "opencode"]), said("opencode", "flag"));
    assert_eq!(row(&env, "name", &["-n", "other"]), said("other", "flag"));
    let env_rows = rows(&env, "env", &["-e", "C=3"]);
    assert_eq!(env_rows, [said("A", "user_file"), said("B", "project_file"), said("C", "flag")]);
    let shown = env.ok(&["config", "show"]).stdout;
    let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    assert!(shown.lines().any(|line| words(line) == ["name", "web", "project", "file"]), "{shown}");
}

#[test]
fn lists_of_everybody_add_up() {
    let mut env = TestEnv::new();
    for folder in ["home/notes", "lib", "kob", "flag"] {
        env.mkdir(folder);
    }
    env.write(USER, "mounts = ['~/notes:/notes:ro']\n");
    env.write(FILE, "paths = ['../lib']\nmounts = ['../bin:/tools:ro']\nagent = 'shell'");
    env.ok(&["allow"]);
    env.set("AGENT_SESSION_KOB", env.path("kob").to_str().unwrap());
    let flag = format!("{}:/flag", env.path("flag").display());
    let sources = |key| -> Vec<_> {
        rows(&env, key, &["--mount", &flag]).into_iter().map(|(_, source)| source).collect()
    };
    assert_eq!(sources("mounts"), ["user_file", "project_file", "flag", "environment"]);
    assert_eq!(sources("paths"), ["project_file", "project_file"]);
    let session = env.json(&["start", "--mount", &flag]);
    let targets: Vec<_> =
        session["mounts"].as_array().unwrap().iter().map(|mount| &mount["target"]).collect();
    let kob = env.path("kob").to_str().unwrap().to_owned();
    assert_eq!(
        targets,
        ["/workspace/project", "/workspace/lib", &kob, "/notes", "/tools", "/flag"]
    );
}

#[test]
fn limits_and_variables_of_the_file_reach_the_container() {
    let mut env = TestEnv::new();
    env.set("FROM_HOST", "yes");
    env.write(
        FILE,
        "agent = 'shell'\n[limits]\nmemory = '512m'\npids = 321\n[env]\nSAID = 'a b'\nFROM_HOST = true\nNOT = false\n",
    );
    env.ok(&["allow"]);
    env.ok(&["start"]);
    assert_eq!(env.inside("project", "echo $SAID $FROM_HOST ${NOT-unset}"), "a b yes unset");
    let limits = &env.json(&["inspect"])["limits"];
    assert_eq!((&limits["memory_bytes"], &limits["pids"]), (&json!(512 << 20), &json!(321)));
    // A container that is made anew is held to the same.
    env.ok(&["stop"]);
    env.podman(&["rm", "--force", "--time=0", "agent-session-project"]);
    env.ok(&["start"]);
    assert_eq!(env.json(&["inspect"])["limits"], *limits);
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_place() {
    let env = TestEnv::new();
    let fails = |text: &str, words: &str| {
        env.write(USER, text);
        let error = env.fails(&["config", "check"], "invalid_config", 2);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{text}: {message}");
    };
    fails("multiplexr = 'hint'", "config.toml:1:1: unknown field `multiplexr`");
    fails("multiplexr = 'hint'", "did you mean `multiplexer`?");
    fails("\nauto = 'never'", "config.toml:2:8: ");
    fails("[limits]\nmemory = '4 GB'", "config.toml:2:10: memory is a whole number");
    fails("[limits]\ncpus = 0", "config.toml:2:8: ");
    fails("[env]\nA = 3", "config.toml:2:5: ");
    fails("name = 'x'", "unknown field `name`");
    fails("= 3", "config.toml:1:1: ");
    env.write(USER, "mounts = ['~/missing']");
    env.fails(&["config", "check"], "path_not_found", 3);
    env.ok(&["config", "show"]);
    env.write(USER, "agent = 'nope'");
    env.fails(&["config", "check"], "agent_not_found", 3);
    env.write(USER, "env = { AGENT_SESSION = 'x' }");
    env.fails(&["config", "check"], "invalid_env", 2);
}

#[test]
fn an_untrusted_file_has_no_say_in_what_is_shown() {
    let env = TestEnv::new();
    env.write(FILE, "name = 'web");
    let output = env.ok(&["config", "show"]);
    assert!(output.stderr.contains("which is not allowed"), "{}", output.stderr);
    assert_eq!(row(&env, "name", &[]), (json!("default"), "built_in".into()));
    assert_eq!(env.json(&["config", "check"])["trust"], "untrusted");
}

#[test]
fn init_writes_a_file_and_never_over_one() {
    let env = TestEnv::new();
    env.ok(&["project", "init"]);
    let text = fs::read_to_string(env.path(FILE)).unwrap();
    assert!(text.contains("#setup = "), "{text}");
    env.ok(&["allow"]);
    assert_eq!(env.json(&["config", "check"])["trust"], "trusted");
    env.write(FILE, "mine");
    env.fails(&["project", "init"], "project_exists", 4);
    assert_eq!(fs::read_to_string(env.path(FILE)).unwrap(), "mine");
    fs::remove_file(env.path(FILE)).unwrap();
    std::os::unix::fs::symlink("/nowhere", env.path(FILE)).unwrap();
    env.fails(&["project", "init", "."], "project_exists", 4);
}
