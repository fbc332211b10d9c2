//! What a project's file does to sessions, and what entering the project does.

use crate::support::work::DETACH;
use crate::support::{TestEnv, eventually};

const FILE: &str = "project/.agent-session.toml";

/// A project that is allowed, with these lines and the shell for an agent.
fn allowed(lines: &str) -> TestEnv {
    let env = TestEnv::new();
    allow(&env, lines);
    env
}

fn allow(env: &TestEnv, lines: &str) {
    env.write(FILE, &format!("agent = 'shell'\n{lines}\n"));
    env.ok(&["allow"]);
}

/// The root, as `enter` is given it.
fn root(env: &TestEnv) -> String {
    env.project().to_str().unwrap().to_owned()
}

#[test]
fn plain_commands_mean_the_projects_session() {
    let env = allowed("name = 'web'\nargs = ['-i']\nenv = { COLOUR = 'red' }");
    let session = env.json(&["start"]);
    assert_eq!((&session["name"], &session["agent"]), (&"web".into(), &"shell".into()));
    assert_eq!(session["project"], root(&env));
    assert_eq!(env.inside("web", "echo $COLOUR"), "red");
    assert_eq!(env.json(&["inspect"])["agent_args"], serde_json::json!(["-i"]));
    assert_eq!(env.json(&["stop"])["name"], "web");
    assert_eq!(env.json(&["restart"])["name"], "web");
    env.ok(&["stop"]);
    assert_eq!(env.json(&["rm", "-f"])["name"], "web");
}

#[test]
fn entering_attaches_and_detaching_leaves_the_prompt() {
    let env = allowed("name = 'web'");
    let mut terminal = env.terminal("agent-session", &["enter", &root(&env)]);
    terminal.wait_for("/workspace>");
    assert_eq!(env.status("web"), "running");
    // A second one is a hint.
    let mut second = env.terminal("agent-session", &["enter", &root(&env)]);
    second.wait_for("session 'web' is attached to another terminal: agent-session start");
    assert_eq!(second.exit_code(), 0);
    terminal.send(DETACH);
    terminal.wait_for("left session 'web'");
    assert_eq!(terminal.exit_code(), 0);
    eventually("nobody is attached", || env.json(&["ls"])[0]["clients"] == 0);
}

#[test]
fn setup_runs_once_before_the_agent_as_its_user_in_the_working_directory() {
    let env =
        allowed("setup = 'id -u; pwd; test ! -e /tmp/agent-session/agent.pid; date +%N >>set-up'");
    let output = env.ok(&["start", "-d"]);
    assert!(output.stderr.contains("setting up session 'project'"), "{}", output.stderr);
    assert!(output.stderr.contains("\n1000\n/workspace\n"), "{}", output.stderr);
    let text = || std::fs::read_to_string(env.path("project/set-up")).unwrap();
    assert_eq!(text().lines().count(), 1);
    env.ok(&["stop"]);
    env.ok(&["start", "-d"]);
    env.ok(&["restart", "-d"]);
    // Nor in a new container around the same home.
    env.podman(&["rm", "--force", "--time=0", "agent-session-project"]);
    env.ok(&["start", "-d"]);
    assert_eq!(text().lines().count(), 1);
    env.ok(&["stop"]);
    env.ok(&["rm", "-f"]);
    env.ok(&["start", "-d"]);
    assert_eq!(text().lines().count(), 2);
}

#[test]
fn a_setup_that_fails_is_told_and_no_agent_starts_without_it() {
    let env = allowed("setup = 'echo working; echo no network >&2; test -e ready'");
    let error = env.fails(&["start"], "setup_failed", 1);
    assert_eq!(error["message"], "the setup of session 'project' failed: no network");
    assert_eq!(error["causes"], serde_json::json!(["working", "no network"]));
    assert_eq!(env.status("project"), "stopped");
    env.fails(&["restart"], "setup_failed", 1);
    let output = env.run(&["enter", &root(&env)]);
    assert_eq!(output.code, 0);
    env.write("project/ready", "");
    assert_eq!(env.json(&["restart"])["status"], "running");
    assert_eq!(
        env.inside("project", "cat ~/.local/state/agent-session/setup.log"),
        "working\nno network"
    );
}

#[test]
fn a_setup_whose_caller_was_killed_is_finished_once() {
    let env = allowed(
        "setup = 'echo begun >>steps; until test -e go; do sleep 0.05; done; echo done >>steps'",
    );
    let mut start = env.command("agent-session", &["start", "-d"]).spawn().unwrap();
    let steps = || std::fs::read_to_string(env.path("project/steps")).unwrap_or_default();
    eventually("the setup begins", || steps() == "begun\n");
    start.kill().unwrap();
    start.wait().unwrap();
    env.write("project/go", "");
    env.ok(&["start", "-d"]);
    assert_eq!(steps(), "begun\ndone\n");
}

#[test]
fn entering_does_what_auto_says() {
    let mut env = allowed("name = 'web'\nauto = 'off'");
    let enter = |env: &TestEnv| {
        let output = env.run(&["enter", &root(env)]);
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{}", output.stderr);
        output.stderr
    };
    assert_eq!(enter(&env), "");
    allow(&env, "name = 'web'\nauto = 'hint'");
    let hint = "agent-session: this project has session 'web': agent-session start\n";
    assert_eq!(enter(&env), hint);
    // No terminal to attach.
    allow(&env, "name = 'web'");
    assert_eq!(enter(&env), hint);
    assert_eq!(env.json(&["ls"]), serde_json::json!([]));
    for variable in ["TMUX", "STY"] {
        env.set(variable, "x");
        let terminal = env.terminal("agent-session", &["enter", &root(&env)]);
        terminal.wait_for("this project has session 'web'");
        env.set(variable, "");
    }
    allow(&env, "name = 'web'\nauto = 'background'");
    let said = enter(&env);
    assert!(
        said.ends_with("session 'web' runs in the background: agent-session start\n"),
        "{said}"
    );
    assert_eq!(env.status("web"), "running");
    // Inside a session there is nothing to enter.
    env.set("AGENT_SESSION", "web");
    assert_eq!(enter(&env), "");
}

#[test]
fn inside_a_multiplexer_the_user_may_want_to_attach() {
    let mut env = allowed("name = 'web'");
    env.set("TMUX", "x");
    env.write("home/.config/agent-session/config.toml", "multiplexer = 'attach'");
    let terminal = env.terminal("agent-session", &["enter", &root(&env)]);
    terminal.wait_for("/workspace>");
}

#[test]
fn whatever_goes_wrong_on_entering_is_one_line_and_no_failure() {
    let mut env = allowed("auto = 'background'");
    let line = |env: &TestEnv, words: &str| {
        let output = env.run(&["enter", &root(env)]);
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{}", output.stderr);
        // On a terminal the other one is taken back.
        let said: Vec<_> =
            output.stderr.lines().filter(|line| !line.contains("starting")).collect();
        assert_eq!(said.len(), 1, "{}", output.stderr);
        assert!(output.stderr.starts_with("agent-session: "), "{}", output.stderr);
        assert!(output.stderr.contains(words), "{}", output.stderr);
    };
    env.agent("unbuilt", "command = ['x']", "FROM scratch\n");
    env.write(FILE, "agent = 'unbuilt'\nauto = 'background'");
    env.ok(&["allow"]);
    line(&env, "is not built: agent-session build unbuilt");
    env.write("home/.config/agent-session/config.toml", "nonsense = 1");
    line(&env, "unknown field `nonsense`");
    env.write("home/.config/agent-session/config.toml", "");
    env.set("PATH", env.path("bin").to_str().unwrap());
    let output =
        env.finish(env.command(env!("CARGO_BIN_EXE_agent-session"), &["enter", &root(&env)]));
    assert_eq!(output.code, 0);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("podman is not installed"), "{}", output.stderr);
}

#[test]
fn a_podman_that_hangs_is_given_up_soon() {
    let env = allowed("auto = 'attach'");
    env.fake("podman", "#!/bin/sh\nexec sleep 1000\n");
    let mut command = env.command(
        "env",
        &["-u", "AGENT_SESSION_PODMAN_TIMEOUT", "agent-session", "enter", &root(&env)],
    );
    let begin = std::time::Instant::now();
    let mut terminal = env.terminal(
        "env",
        &["-u", "AGENT_SESSION_PODMAN_TIMEOUT", "agent-session", "enter", &root(&env)],
    );
    terminal.wait_for("starting session 'project'");
    terminal.wait_for("podman did not answer within 2 s");
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!(
        terminal.lines().iter().filter(|line| !line.is_empty()).count(),
        1,
        "{}",
        terminal.text()
    );
    assert!(begin.elapsed().as_secs() < 20);
    assert_eq!(command.output().unwrap().status.code(), Some(0));
}

#[test]
fn another_projects_session_of_the_same_name_is_not_taken_over() {
    let env = allowed("name = 'web'");
    env.ok(&["start", "-d"]);
    env.write("other/.agent-session.toml", "agent = 'shell'\nname = 'web'");
    let mut command = env.command("agent-session", &["allow"]);
    command.current_dir(env.path("other"));
    assert_eq!(env.finish(command).code, 0);
    let mut command = env.command("agent-session", &["start", "--json"]);
    command.current_dir(env.path("other"));
    env.fails_as(command, "session_mounts_differ", 4);
}

#[test]
fn a_path_that_leads_elsewhere_since_it_was_allowed_is_refused() {
    let env = TestEnv::new();
    env.mkdir("lib");
    env.mkdir("private");
    std::os::unix::fs::symlink(env.path("lib"), env.path("project/link")).unwrap();
    allow(&env, "paths = ['link']");
    std::fs::remove_file(env.path("project/link")).unwrap();
    std::os::unix::fs::symlink(env.path("private"), env.path("project/link")).unwrap();
    let error = env.fails(&["start"], "project_untrusted", 7);
    assert!(error["message"].as_str().unwrap().contains("lead elsewhere"), "{error}");
    env.ok(&["allow"]);
    assert_eq!(env.json(&["start"])["status"], "running");
}

#[test]
fn who_names_a_session_or_a_path_goes_on_without_an_untrusted_file() {
    let env = TestEnv::new();
    env.write(FILE, "not TOML [");
    let output = env.ok(&["start", "-d", "-a", "shell", "-n", "x"]);
    assert!(output.stderr.contains("going on without"), "{}", output.stderr);
    let output = env.ok(&["start", "-d", "-a", "shell", "."]);
    assert!(output.stderr.contains("going on without"), "{}", output.stderr);
    assert_eq!(env.status("default"), "running");
    env.fails(&["start"], "project_untrusted", 7);
    env.ok(&["deny"]);
    assert_eq!(env.json(&["start"])["name"], "default");
}

#[test]
fn a_setup_of_an_ordinary_user_runs_as_that_user() {
    let env = TestEnv::rootless();
    let name = env.name("setup");
    allow(&env, &format!("name = '{name}'\nsetup = 'id -u >made; pwd >>made'"));
    env.ok(&["start", "-d"]);
    let made = env.path("project/made");
    assert_eq!(std::fs::read_to_string(&made).unwrap(), "1000\n/workspace\n");
    use std::os::unix::fs::MetadataExt;
    let owner = |path| std::fs::metadata(path).unwrap().uid();
    assert_eq!(owner(made), owner(env.project()));
}
