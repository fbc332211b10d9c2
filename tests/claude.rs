//! Claude Code, the real one, in its real image, with a model that is not.

use std::fs;

use serde_json::Value;

use crate::support::real::{Bench, KEY, enter, insist, ready, trust_workspace};
use crate::support::{Terminal, TestEnv, eventually};

fn bench() -> Bench {
    let mut env = TestEnv::with_host_network();
    env.set("ANTHROPIC_API_KEY", KEY);
    Bench::claude(env)
}

/// A new session on a terminal, at Claude Code's prompt. The folder had to be trusted before, and
/// nothing else was asked: neither how to log in, nor for a theme, nor whether to use the key.
fn at_the_prompt(bench: &Bench) -> Terminal {
    let mut terminal = bench.start_on_terminal();
    trust_workspace(&mut terminal);
    terminal
}

fn writes_as_the_user(bench: &Bench) {
    let mut terminal = at_the_prompt(bench);
    enter(&mut terminal, "write note.txt some text");
    terminal.wait_for("Write(note.txt)").wait_for("● wrote it");
    bench.assert_wrote("note.txt", "some text");
}

#[test]
fn its_write_tool_writes_into_the_project_as_the_user() {
    writes_as_the_user(&bench());
}

#[test]
fn rootless_its_write_tool_writes_into_the_project_as_the_user() {
    let mut env = TestEnv::rootless_with_host_network();
    env.set("ANTHROPIC_API_KEY", KEY);
    writes_as_the_user(&Bench::claude(env));
}

#[test]
fn it_works_on_while_its_terminal_is_dead_and_has_the_answer_when_another_comes() {
    let bench = bench();
    let mut terminal = at_the_prompt(&bench);
    bench.model.hold();
    enter(&mut terminal, "write late.txt nobody was looking");
    bench.model.wait_for("write late.txt");
    terminal.signal("KILL");
    assert_ne!(terminal.exit_code(), 0);
    assert!(!bench.env.project().join("late.txt").exists());
    bench.model.release();
    eventually("Claude Code has said its last word", || {
        !bench.inside("grep -rl 'wrote it' ~/.claude/projects || true").is_empty()
    });
    bench.assert_wrote("late.txt", "nobody was looking");
    bench.reattach().wait_for("Write(late.txt)").wait_for("● wrote it");
}

#[test]
fn its_conversation_goes_on_after_stop_and_restart() {
    let bench = bench();
    let mut terminal = at_the_prompt(&bench);
    enter(&mut terminal, "hello");
    // Just then it is not written down yet.
    terminal.wait_for("● turn 1 echo: hello");
    bench.ok("stop");
    terminal.exit_code();
    let mut back = bench.restart();
    ready(&back);
    back.wait_for("● turn 1 echo: hello");
    enter(&mut back, "and again");
    back.wait_for("● turn 2 echo: and again");
}

#[test]
fn after_its_end_a_shell_says_how_to_bring_it_back() {
    let bench = bench();
    let mut terminal = at_the_prompt(&bench);
    enter(&mut terminal, "hello");
    terminal.wait_for("● turn 1 echo: hello");
    enter(&mut terminal, "/exit");
    terminal.wait_for("claude ended with status 0. Type \"agent\" to bring it back");
    terminal.wait_for("/workspace>");
    enter(&mut terminal, "env | grep -c ANTHROPIC_API");
    terminal.wait_for("\n0");
    enter(&mut terminal, "agent");
    ready(&terminal);
    terminal.wait_for("● turn 1 echo: hello");
    enter(&mut terminal, "and again");
    terminal.wait_for("● turn 2 echo: and again");
}

#[test]
fn arguments_after_the_dashes_are_its_own_at_every_start() {
    let bench = bench().with_args(&["--permission-mode", "default"]);
    let mut terminal = at_the_prompt(&bench);
    enter(&mut terminal, "write asked.txt yes");
    terminal.wait_for("Do you want to create asked.txt?");
    assert!(!bench.env.project().join("asked.txt").exists());
    insist(&mut terminal, "\r", "● wrote it");
    bench.assert_wrote("asked.txt", "yes");
    bench.ok("stop");
    let mut back = bench.restart();
    ready(&back);
    back.wait_for("● wrote it");
    enter(&mut back, "write again.txt yes");
    back.wait_for("Do you want to create again.txt?");
}

#[test]
fn get_shit_done_answers_to_its_name_with_a_colon() {
    let bench = bench();
    let mut terminal = at_the_prompt(&bench);
    enter(&mut terminal, "/gsd:help");
    terminal.wait_for("get-shit-done/workflows/help.md").wait_for("● turn 1 echo: <objective>");
    let question = bench.model.wait_for("<objective>").body.to_string();
    assert!(question.contains("# GSD Command Reference"), "{question}");
}

#[test]
fn without_a_terminal_it_answers_writes_and_goes_on() {
    let bench = bench();
    bench.start();
    let words = ["claude", "--permission-mode", "acceptEdits", "-p", "write note.txt some text"];
    assert_eq!(bench.ask(&words), "wrote it\n");
    bench.assert_wrote("note.txt", "some text");
    let again = bench.ask(&["claude", "-p", "--continue", "hello"]);
    assert_eq!(again, "turn 2 echo: hello\n");
}

#[test]
fn it_does_not_update_itself() {
    let bench = bench();
    bench.start();
    bench.inside("test ! -w \"$(command -v claude)\" && test ! -w /usr/local/bin");
    let environment = bench.agent_environment();
    assert!(environment.lines().any(|line| line == "DISABLE_AUTOUPDATER=1"), "{environment}");
}

#[test]
fn of_the_hosts_settings_it_has_the_preferences_alone() {
    let bench = Bench::claude(TestEnv::with_host_network());
    let hook = r#"[{"hooks": [{"type": "command", "command": "touch /workspace/host-only"}]}]"#;
    let settings = format!(
        r#"{{"theme": "light", "editorMode": "vim", "apiKeyHelper": "echo host-only",
             "env": {{"LEAK": "host-only"}}, "hooks": {{"SessionStart": {hook}}},
             "statusLine": {{"type": "command", "command": "echo host-only"}}}}"#
    );
    let state = format!(
        r#"{{"apiKey": "{KEY}", "oauthAccount": {{"emailAddress": "host-only"}},
             "mcpServers": {{"host-only": {{"command": "host-only"}}}}}}"#
    );
    let login = r#"{"claudeAiOauth": {"refreshToken": "host-only", "accessToken": "host-only"}}"#;
    let files = [
        ("home/.claude/settings.json", settings.as_str()),
        ("home/.claude.json", &state),
        ("home/.claude/.credentials.json", login),
        ("home/.claude/CLAUDE.md", "host-only"),
    ];
    for (file, text) in files {
        bench.env.write(file, text);
    }
    let terminal = at_the_prompt(&bench);
    // The preference at work: vim's mode is on the screen.
    terminal.wait_for("-- INSERT --");
    let settings: Value =
        serde_json::from_str(&bench.inside("cat ~/.claude/settings.json")).unwrap();
    assert_eq!((&settings["theme"], &settings["editorMode"]), (&"light".into(), &"vim".into()));
    assert_eq!(bench.inside("grep -rl host-only ~ /workspace || true"), "");
    assert!(!bench.env.project().join("host-only").exists());
    // What is the host's stays the host's, and as it was.
    for (file, text) in files {
        assert_eq!(fs::read_to_string(bench.env.path(file)).unwrap(), text);
    }
    let mounts = bench.podman_inspect("{{json .Mounts}}");
    let mounts: Vec<Value> = serde_json::from_str(&mounts).unwrap();
    let sources: Vec<_> = mounts.iter().map(|mount| mount["Source"].as_str().unwrap()).collect();
    assert!(sources.contains(&bench.env.project().to_str().unwrap()), "{sources:?}");
    let home = bench.env.path("home");
    assert!(
        sources.iter().all(|source| !source.starts_with(home.to_str().unwrap())),
        "{sources:?}"
    );
}

#[test]
fn its_key_is_seen_by_nobody_but_itself() {
    let mut env = TestEnv::with_host_network();
    // Other tests may have theirs on a command line.
    let key = KEY.replace("0123456789", "to-be-seen-by-nobody");
    env.set("ANTHROPIC_API_KEY", &key);
    let log = env.path("podman.log");
    env.fake(
        "podman",
        &format!(
            "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; /usr/bin/env; }} >>'{}'\nexec /usr/bin/podman \"$@\"\n",
            log.display()
        ),
    );
    let bench = Bench::claude(env);
    bench.start();
    let calls = fs::read_to_string(&log).unwrap();
    assert!(command_lines().iter().any(|line| line.contains("zellij\0--server")));
    for line in command_lines() {
        assert!(!line.contains(&key), "{line}");
    }
    assert_eq!(bench.ask(&["claude", "-p", "hello"]), "turn 1 echo: hello\n");
    assert_eq!(bench.model.wait_for("hello").key, key);
    assert!(bench.agent_environment().contains(&key));
    let has_key = "cd /proc; for p in [0-9]*; do grep -qs ANTHROPIC_API_KEY= $p/environ && cat $p/comm; done; true";
    let knowing = bench.inside(has_key);
    assert!(knowing.lines().any(|name| name == "claude"), "{knowing}");
    for name in ["zellij", "fish", "sleep", "podman-init", "catatonit"] {
        assert!(knowing.lines().all(|knows| knows != name), "{knowing}");
    }
    assert!(calls.contains("agent-session.real.ANTHROPIC_API_KEY"), "{calls}");
    let inspections = [
        ("podman's arguments and environment", calls),
        ("podman inspect", bench.podman_inspect("{{json .}}")),
        ("podman volume inspect", bench.env.podman(&["volume", "inspect", "agent-session-real"])),
        ("inspect --json", bench.env.json(&["inspect", "real"]).to_string()),
        ("inspect", bench.ok("inspect").stdout),
        ("ls --json", bench.env.json(&["ls"]).to_string()),
        ("a shell inside", bench.inside("env")),
        ("the home", bench.inside("cd; grep -rhs -- -key-of-the-tests . || true")),
    ];
    for (what, text) in inspections {
        assert!(!text.contains(&key), "{what}: {text}");
    }
}

/// The command line of every process of the machine.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let read = |process: std::path::PathBuf| fs::read(process.join("cmdline")).ok();
    processes.filter_map(read).map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}
