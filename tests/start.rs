//! `start` and `restart`: every state, every way to ask.

use crate::support::TestEnv;

#[test]
fn a_session_is_created_found_stopped_and_brought_back() {
    let env = TestEnv::new();
    let made = env.json(&["start", "--detach", "--agent", "shell"]);
    assert_eq!(made["name"], "default");
    assert_eq!(made["status"], "running");
    let again = env.json(&["start", "-d"]);
    assert_eq!(again["container_id"], made["container_id"]);
    assert_eq!(env.json(&["stop"])["status"], "stopped");
    let back = env.json(&["restart", "-d"]);
    assert_eq!((&back["status"], &back["container_id"]), (&"running".into(), &made["container_id"]));
}

#[test]
fn a_terminal_attaches_leaves_and_comes_back_to_the_same_screen() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    let mut terminal = env.terminal("agent-session", &["start"]);
    terminal.wait_for("/workspace>");
    terminal.send("echo one two\r");
    terminal.wait_for("\none two");
    terminal.send("\x0fd");
    assert_eq!(terminal.exit_code(), 0);
    let back = env.terminal("agent-session", &["start"]);
    back.wait_for("\none two");
}
