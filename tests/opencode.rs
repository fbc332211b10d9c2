//! `OpenCode`, the real one, in its real image, with a model that is not.

use crate::support::real::{Bench, KEY, enter};
use crate::support::{Terminal, TestEnv, eventually};

fn bench() -> Bench {
    let mut env = TestEnv::with_host_network();
    env.set("OPENAI_API_KEY", KEY);
    Bench::opencode(env)
}

fn at_the_prompt(bench: &Bench) -> Terminal {
    let terminal = bench.start_on_terminal();
    terminal.wait_for("Ask anything");
    terminal
}

fn writes_as_the_user(bench: &Bench) {
    let mut terminal = at_the_prompt(bench);
    enter(&mut terminal, "write note.txt some text");
    terminal.wait_for("wrote it");
    bench.assert_wrote("note.txt", "some text");
    assert_eq!(bench.model.wait_for("write note.txt").key, KEY);
}

#[test]
fn its_write_tool_writes_into_the_project_as_the_user() {
    writes_as_the_user(&bench());
}

#[test]
fn rootless_its_write_tool_writes_into_the_project_as_the_user() {
    let mut env = TestEnv::rootless_with_host_network();
    env.set("OPENAI_API_KEY", KEY);
    writes_as_the_user(&Bench::opencode(env));
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
    eventually("OpenCode has told of what it wrote", || {
        let questions = bench.model.questions();
        questions.iter().any(|question| {
            let last = question.body["messages"].as_array().and_then(|all| all.last());
            last.is_some_and(|last| last["role"] == "tool")
        })
    });
    bench.assert_wrote("late.txt", "nobody was looking");
    bench.reattach().wait_for("late.txt").wait_for("wrote it");
}

#[test]
fn its_conversation_goes_on_after_stop_and_restart() {
    let bench = bench();
    let mut terminal = at_the_prompt(&bench);
    enter(&mut terminal, "hello");
    terminal.wait_for("turn 1 echo: hello");
    bench.ok("stop");
    terminal.exit_code();
    let mut back = bench.restart();
    back.wait_for("turn 1 echo: hello");
    enter(&mut back, "and again");
    back.wait_for("turn 2 echo: and again");
}

#[test]
fn without_a_terminal_it_answers_writes_and_goes_on() {
    let bench = bench();
    bench.start();
    let said = bench.ask(&["opencode", "run", "write note.txt some text"]);
    assert!(said.contains("wrote it"), "{said}");
    bench.assert_wrote("note.txt", "some text");
    let said = bench.ask(&["opencode", "run", "--continue", "hello"]);
    assert!(said.contains("turn 2 echo: hello"), "{said}");
}

#[test]
fn of_its_saved_logins_the_api_keys_go_in_and_the_oauth_tokens_do_not() {
    let bench = Bench::opencode(TestEnv::with_host_network());
    let logins = format!(
        r#"{{"fake": {{"type": "api", "key": "{KEY}"}},
             "anthropic": {{"type": "oauth", "refresh": "host-only", "access": "host-only", "expires": 0}}}}"#
    );
    let file = bench.env.write("home/.local/share/opencode/auth.json", &logins);
    bench.start();
    let said = bench.ask(&["opencode", "run", "hello"]);
    assert!(said.contains("turn 1 echo: hello"), "{said}");
    assert_eq!(bench.model.wait_for("hello").key, KEY);
    let listed = bench.ask(&["opencode", "auth", "list"]);
    assert!(listed.contains("1 credentials"), "{listed}");
    assert_eq!(bench.inside("grep -rls host-only ~ /run/secrets || true"), "");
    assert!(!bench.podman_inspect("{{json .}}").contains(KEY));
    assert_eq!(std::fs::read_to_string(file).unwrap(), logins);
}

#[test]
fn it_does_not_update_itself() {
    let bench = bench();
    bench.start();
    bench.inside("test ! -w \"$(command -v opencode)\" && test ! -w /usr/local/bin");
    let environment = bench.agent_environment();
    assert!(
        environment.lines().any(|line| line == "OPENCODE_DISABLE_AUTOUPDATE=1"),
        "{environment}"
    );
}
