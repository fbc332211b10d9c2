//! What the plugin gives: types, pipelines, errors, and where it takes its surroundings from.

use serde_json::json;

use super::bench::Nu;
use crate::support::eventually;

const SESSION: &str = "name: string, agent: string, status: string, project: string, \
    mounts: table<source: string, target: string, mode: string>, created: datetime, \
    started: datetime, uptime: duration, container: string, container_id: string, image: string, \
    image_id: string, outdated: bool, clients: int";

#[test]
fn values_have_their_types() {
    let nu = Nu::new();
    nu.start(&["x"]);
    assert_eq!(nu.describe("agent-session ls"), format!("table<{SESSION}> (stream)"));
    assert_eq!(nu.describe("agent-session list"), nu.describe("agent-session ls"));
    let inspection = nu.describe("agent-session inspect x");
    assert!(inspection.starts_with(&format!("record<{SESSION}, agent_args: ")), "{inspection}");
    assert!(inspection.contains("limits: record<memory: filesize, pids: int>"), "{inspection}");
    let agents = nu.describe("agent-session agents | where ready | reject title");
    assert!(agents.contains("size: filesize"), "{agents}");
    assert_eq!(nu.text("(agent-session ls | first).uptime < 1day"), "true");
    assert_eq!(nu.text("(agent-session ls | first).created > (date now) - 1hr"), "true");
    let stopped =
        SESSION.replace("started: datetime, uptime: duration", "started: nothing, uptime: nothing");
    assert_eq!(nu.describe("agent-session stop x"), format!("record<{stopped}>"));
    assert_eq!(nu.describe("agent-session rm -f x"), "record<name: string, removed: bool>");
    nu.env.agent("tiny", "command = ['fish']", "FROM localhost/agent-session-base\nENV A=1\n");
    let built = nu.describe("agent-session build tiny");
    let begin = "record<agent: string, image: string, image_id: string, size: filesize, duration: duration, versions: record<";
    assert!(built.starts_with(begin), "{built}");
    assert_eq!(nu.value("agent-session ls"), json!([]));
}

#[test]
fn names_and_records_come_from_the_pipeline() {
    let nu = Nu::new();
    nu.start(&["a", "b"]);
    let names = |script: &str| nu.value(&format!("{script} | get name"));
    assert_eq!(names("[a b] | agent-session stop"), json!(["a", "b"]));
    assert_eq!(names("agent-session ls | agent-session inspect"), json!(["a", "b"]));
    assert_eq!(names("agent-session ls | where name == a | agent-session restart"), json!(["a"]));
    assert_eq!(
        nu.value("agent-session ls | select name status"),
        json!([
            {"name": "a", "status": "running"}, {"name": "b", "status": "stopped"}
        ])
    );
    assert_eq!(names("'b' | agent-session inspect"), json!("b"));
    assert_eq!(names("{name: a} | agent-session stop"), json!("a"));
    assert_eq!(nu.value("[] | agent-session rm --force"), json!([]));
    assert_eq!(
        names("agent-session ls | where status == stopped | agent-session rm --force"),
        json!(["a", "b"])
    );
    assert_eq!(nu.value("agent-session ls"), json!([]));
}

/// The lines that a user should be able to write.
#[test]
fn a_day_in_nushell() {
    let nu = Nu::new();
    for folder in ["home/src/api", "home/src/web"] {
        nu.env.mkdir(folder);
    }
    nu.env.replace_shell("command = ['bash']");
    let start = r#"["api" "web"] | each { |n| agent-session start --agent shell --detach --name $n $"~/src/($n)" } | get name"#;
    assert_eq!(nu.value(start), json!(["api", "web"]));
    let table = nu.value(
        "agent-session ls | where status == running and agent == shell | sort-by created | select name project uptime",
    );
    assert_eq!((&table[0]["name"], &table[1]["name"]), (&json!("api"), &json!("web")));
    assert_eq!(table[0]["project"], json!(nu.env.path("home/src/api")));
    nu.text("agent-session stop web");
    let removed = nu.value(
        "agent-session ls | where status == stopped | each { agent-session rm --force $in.name }",
    );
    assert_eq!(removed, json!([{"name": "web", "removed": true}]));
    let message = nu.text("try { agent-session stop nope } catch { |e| $e.msg }");
    assert_eq!(message, "session 'nope' not found");
}

#[test]
fn errors_have_code_hint_and_the_place_of_what_is_wrong() {
    let nu = Nu::new();
    nu.start(&["x"]);
    for (script, code, label) in [
        ("agent-session stop x nope", "session_not_found", "nope"),
        ("agent-session inspect nope", "session_not_found", "nope"),
        ("[x nope] | agent-session stop", "session_not_found", "nope"),
        ("{name: 'a b'} | agent-session inspect", "invalid_name", "'a b'"),
        ("agent-session rm x", "session_running", "x"),
        ("agent-session build nope", "agent_not_found", "nope"),
        ("agent-session build shell --zellij ./nope", "path_not_found", "--zellij ./nope"),
        ("agent-session stop --all x", "usage", "--all"),
        ("agent-session inspect", "session_not_found", "agent-session inspect"),
        ("3.5 | agent-session stop", "usage", "3.5"),
        ("agent-session restart --detach nope", "session_not_found", "nope"),
        ("agent-session start --detach -n 'a b'", "invalid_name", "-n 'a b'"),
    ] {
        let [found, message, at] = nu.error(script);
        assert_eq!((found.as_str(), at.as_str()), (code, label), "{script}: {message}");
    }
    nu.text("agent-session stop x");
    let [code, ..] = nu.error("agent-session rm x");
    assert_eq!(code, "confirmation_required");
    nu.env.podman_with("[ \"$1\" != ps ] || { echo first >&2; echo last >&2; exit 125; }");
    let [code, message, _] = nu.error("agent-session ls");
    assert_eq!(
        (code.as_str(), message.ends_with("last")),
        ("podman_unreachable", true),
        "{message}"
    );
}

#[test]
fn directory_and_environment_are_those_of_the_caller() {
    let nu = Nu::new();
    nu.env.mkdir("project/sub");
    let [_, message, _] = nu.error("cd sub; agent-session build shell --zellij nope");
    assert_eq!(message, format!("no such path: {}", nu.env.path("project/sub/nope").display()));
    let [code, ..] = nu.error("with-env {PATH: []} { agent-session ls }");
    assert_eq!(code, "podman_missing");
    // In the same process, right after: nothing of the other call is left.
    let script =
        "try { with-env {PATH: []} { agent-session ls } } catch { null }; agent-session ls";
    assert_eq!(nu.value(script), json!([]));
    nu.env.mkdir("other");
    let folder = nu.env.path("other").display().to_string();
    let agents = format!(
        "mkdir {folder}/agent-session/agents/mine; with-env {{XDG_CONFIG_HOME: {folder}}} {{ agent-session agents | get name }}"
    );
    assert!(nu.value(&agents).to_string().contains("mine"));
    assert!(!nu.value("agent-session agents | get name").to_string().contains("mine"));
}

#[test]
fn the_plugin_is_started_again_after_it_was_collected() {
    let nu = Nu::new();
    nu.start(&["x"]);
    let script = "
        $env.config.plugin_gc.default.stop_after = 0sec
        let first = agent-session ls | get name
        mut states = []
        for _ in 1..200 { $states = ($states | append (plugin list | where name == agent_session | get 0.status) | uniq); if 'loaded' in $states { break }; sleep 50ms }
        let second = agent-session ls | get name
        plugin stop agent_session
        {collected: ('loaded' in $states), names: [...$first ...$second ...(agent-session ls | get name)]}";
    assert_eq!(nu.value(script), json!({"collected": true, "names": ["x", "x", "x"]}));
}

#[test]
fn a_plugin_that_was_added_is_there_in_a_nushell_that_uses_it_by_name() {
    let nu = Nu::new();
    assert_eq!(nu.value("plugin use agent_session; agent-session ls"), json!([]));
    let version = nu.value("plugin list | where name == agent_session | get 0.version");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let names = nu.value(
        "scope commands | where type == plugin and name starts-with agent-session | get name",
    );
    assert!(!names.to_string().contains("\"agent-session\""), "{names}");
    // What is not declared is the program's own.
    assert!(nu.text("agent-session --version").starts_with("agent-session "));
}

#[test]
fn the_core_program_stands_on_no_crate_of_nushells() {
    let tree = |more: &[&str]| {
        let args = ["tree", "--locked", "--offline", "--edges=normal", "--prefix=none"];
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(args).args(more).current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let is_nushells = |line: &&str| line.starts_with("nu-") && !line.starts_with("nu-ansi-term ");
    let core = tree(&[]);
    assert!(core.lines().any(|line| line.starts_with("clap ")));
    assert_eq!(core.lines().find(is_nushells), None);
    assert!(tree(&["--features=nu"]).lines().any(|line| line.starts_with("nu-plugin ")));
}

#[test]
fn ls_streams() {
    let nu = Nu::new();
    nu.start(&["a", "b"]);
    assert!(nu.describe("agent-session ls").ends_with("(stream)"));
    assert_eq!(nu.value("agent-session ls | first | get name"), "a");
    eventually("one and the same plugin answers at once", || {
        nu.value("1..4 | par-each { agent-session ls | length }") == json!([2, 2, 2, 2])
    });
}
