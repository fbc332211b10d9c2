//! What `doctor` finds wrong with sessions, secrets and images, and whether its mend mends it.

use std::fs;

use serde_json::Value;

use crate::support::patient::Patient;

fn with_session(machine: &Patient) {
    machine.env.ok(&["start", "--detach", "--agent", "shell", "--name", "x"]);
}

#[test]
fn a_session_whose_terminal_server_died_is_restarted() {
    let machine = Patient::of_root();
    with_session(&machine);
    machine.env.inside("x", "pkill -KILL -f 'zellij --server'");
    let found = machine.mends("sessions", "warning");
    assert_eq!(found["found"], "'x': its terminal server is gone");
    assert_eq!(found["fix"], "agent-session restart --detach x");
}

#[test]
fn a_session_without_its_container_is_started_by_nobody_but_the_user() {
    let machine = Patient::of_root();
    with_session(&machine);
    machine.env.podman(&["rm", "--force", "--time=0", "agent-session-x"]);
    let found = machine.finds("sessions", "warning");
    assert_eq!(
        (&found["fix"], &found["automatic"]),
        (&"agent-session restart x".into(), &false.into())
    );
    machine.env.ok(&["restart", "--detach", "x"]);
    machine.finds("sessions", "ok");
}

#[test]
fn a_session_whose_folder_was_replaced_is_left_to_the_user() {
    let machine = Patient::of_root();
    with_session(&machine);
    fs::rename(machine.env.project(), machine.env.path("elsewhere")).unwrap();
    fs::create_dir(machine.env.project()).unwrap();
    let found = machine.finds("sessions", "warning");
    assert_eq!(found["fix"], "agent-session inspect x");
}

#[test]
fn a_secret_of_no_session_is_removed() {
    let machine = Patient::of_root();
    let file = machine.env.write("key", "secret-key");
    machine.env.podman(&["secret", "create", "agent-session.x.KEY", file.to_str().unwrap()]);
    let found = machine.mends("leftovers", "warning");
    assert_eq!(found["fix"], "podman secret rm agent-session.x.KEY");
    assert_eq!(machine.env.podman(&["secret", "ls", "--quiet"]), "");
}

#[test]
fn a_secret_of_a_session_that_is_being_made_is_left_alone() {
    let machine = Patient::of_root();
    let file = machine.env.write("key", "secret-key");
    machine.env.podman(&["secret", "create", "agent-session.x.KEY", file.to_str().unwrap()]);
    let locks = "home/.local/state/agent-session/locks";
    let lock = fs::File::create(machine.env.mkdir(locks).join("session-x")).unwrap();
    lock.lock().unwrap();
    machine.finds("leftovers", "ok");
    drop(lock);
    machine.finds("leftovers", "warning");
}

#[test]
fn a_name_that_a_killed_podman_left_reserved_is_freed() {
    let mut machine = Patient::of_root();
    let usual = machine.env.path("containers.conf");
    let mut conf: toml::Table = fs::read_to_string(&usual).unwrap().parse().unwrap();
    let engine = conf["engine"].as_table_mut().unwrap();
    // A podman that knows nothing of the usual one, on the same storage.
    for key in ["static_dir", "tmp_dir", "volume_path"] {
        let path = machine.env.path("other").join(key);
        engine.insert(key.into(), path.to_str().unwrap().into());
    }
    let other = machine.env.write("other.conf", &conf.to_string());
    machine.env.set("CONTAINERS_CONF", other.to_str().unwrap());
    let image = "localhost/agent-session-shell";
    machine.env.podman(&["create", "--name=agent-session-x", image]);
    machine.env.set("CONTAINERS_CONF", usual.to_str().unwrap());
    let found = machine.mends("leftovers", "warning");
    assert_eq!(found["found"], "the name agent-session-x is reserved");
}

#[test]
fn agents_that_are_broken_outdated_or_not_built_are_told_apart() {
    let machine = Patient::of_root();
    let folder = "home/.config/agent-session/agents";
    machine.env.write(&format!("{folder}/broken/agent.toml"), "title =");
    machine.env.replace_shell("command = [\"fish\"]");
    machine.env.agent("new", "command = [\"fish\"]", "FROM localhost/agent-session-base\n");
    let (exit, checks) = machine.doctor(&[]);
    let fix = |status, start: &str| {
        let of_agent = |check: &&Value| {
            check["status"] == status && check["found"].as_str().unwrap().contains(start)
        };
        let mut images = checks.iter().filter(|check| check["code"] == "images");
        let found = images.find(of_agent).unwrap_or_else(|| panic!("{start}: {checks:#?}"));
        found["fix"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(exit, 0);
    assert!(fix("warning", "broken").ends_with("broken/agent.toml"));
    assert_eq!(fix("warning", "shell is of another definition"), "agent-session build shell");
    assert_eq!(fix("note", "new is not built"), "agent-session build new");
    assert_eq!(fix("ok", "claude is built"), "");
}
