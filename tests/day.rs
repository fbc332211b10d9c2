//! A day with a session, as its user has it.

use crate::support::work::{DETACH, Work, podman_of};
use crate::support::{Terminal, TestEnv};

/// Every way to lose a terminal.
const LOSSES: [fn(&mut Terminal); 5] = [
    |terminal| terminal.signal("HUP"),
    |terminal| terminal.signal("TERM"),
    |terminal| terminal.signal("KILL"),
    |terminal| {
        let mut kill = std::process::Command::new("kill");
        assert!(kill.arg("-KILL").args(podman_of(terminal)).status().unwrap().success());
    },
    Terminal::close,
];

fn a_day(env: TestEnv) {
    let work = Work::new(env);
    let (env, session) = (&work.env, work.session.as_str());
    let mut terminal = work.attach_shell(100, 30);
    work.begin(&mut terminal);

    for (number, lose) in LOSSES.iter().enumerate() {
        work.order(&format!("piece {number}"));
        terminal.wait_for(&format!("did piece {number}"));
        lose(&mut terminal);
        terminal.exit_code();
        work.order(&format!("piece {number} alone"));
        terminal = work.attach(100, 30);
        terminal.wait_for(&format!("did piece {number}\ndid piece {number} alone\n"));
        terminal.wait_for("ready to work\ndid piece 0\n");
    }
    terminal.send(DETACH);
    assert_eq!(terminal.exit_code(), 0);

    env.inside(session, "echo kept >~/note");
    assert_eq!(env.json(&["stop", session])["status"], "stopped");
    let mut terminal = env.terminal("agent-session", &["restart", session]);
    terminal.wait_for("/workspace>");
    terminal.send("cat ~/note done\r");
    terminal.wait_for("\nkept\ndid piece 0\n");
    work.begin(&mut terminal);
    work.order("the last piece");
    terminal.wait_for("did the last piece");
    terminal.send(DETACH);
    assert_eq!(terminal.exit_code(), 0);

    env.fails(&["rm", "-f", session], "session_running", 4);
    env.ok(&["stop", session]);
    env.ok(&["rm", "-f", session]);
    let left = env.json(&["ls"]);
    assert!(left.as_array().unwrap().iter().all(|other| other["name"] != session));
    assert!(env.path("project/done").exists());
}

#[test]
fn a_session_lasts_a_day_for_root() {
    a_day(TestEnv::new());
}

#[test]
fn a_session_lasts_a_day_for_an_ordinary_user() {
    a_day(TestEnv::rootless());
}
