//! Terminals on sessions: they come, are lost in every way, change their size, and are as before
//! when they are left.

use std::fs;
use std::process::Command;

use crate::support::work::{DETACH, Work, podman_of};
use crate::support::{ScreenState, Terminal, TestEnv, eventually};

fn work() -> Work {
    Work::new(TestEnv::new())
}

/// An agent at work loses its terminal, and the next two terminals find it, each at its own size.
fn survives(lose: impl Fn(&mut Terminal), exit_code: u32) {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    work.begin(&mut terminal);
    work.order("one");
    terminal.wait_for("did one");

    lose(&mut terminal);
    assert_eq!(terminal.exit_code(), exit_code);
    assert_eq!(work.listed()["status"], "running");
    eventually("nobody is counted", || work.clients() == 0);
    work.order("two");

    let mut smaller = work.attach(80, 24);
    smaller.wait_for("did one\ndid two");
    work.wait_for_size(80, 24);
    assert_eq!(work.clients_inside(), 1);
    lose(&mut smaller);
    smaller.exit_code();
    work.order("three");

    let mut larger = work.attach(120, 40);
    larger.wait_for("did one\ndid two\ndid three");
    work.wait_for_size(120, 40);
    assert_eq!((work.clients_inside(), work.clients()), (1, 1));
    larger.send(DETACH);
    assert_eq!(larger.exit_code(), 0);
    assert_eq!(work.client_files(), [""; 0]);
}

#[test]
fn an_agent_goes_on_when_the_terminal_hangs_up() {
    survives(|terminal| terminal.signal("HUP"), 129);
}

#[test]
fn an_agent_goes_on_when_agent_session_is_terminated() {
    survives(|terminal| terminal.signal("TERM"), 143);
}

#[test]
fn an_agent_goes_on_when_agent_session_is_killed() {
    // No exit code of its own.
    survives(|terminal| terminal.signal("KILL"), 1);
}

#[test]
fn an_agent_goes_on_when_podman_is_killed() {
    let kill_podman = |terminal: &mut Terminal| {
        let podman = podman_of(terminal);
        assert_eq!(podman.len(), 1);
        assert!(Command::new("kill").arg("-KILL").args(podman).status().unwrap().success());
    };
    survives(kill_podman, 137);
}

#[test]
fn an_agent_goes_on_when_the_window_is_closed() {
    survives(Terminal::close, 129);
}

#[test]
fn no_client_stays_inside_when_agent_session_can_still_say_goodbye() {
    let work = work();
    for signal in ["HUP", "TERM", "INT", "QUIT"] {
        let mut terminal = work.attach_shell(100, 30);
        terminal.signal(signal);
        terminal.exit_code();
        assert_eq!(work.clients_inside(), 0, "{signal}");
    }
}

#[test]
fn podman_ends_when_agent_session_is_killed() {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    let podman = podman_of(&terminal);
    terminal.signal("KILL");
    terminal.exit_code();
    eventually("podman is gone", || {
        !fs::read_to_string(format!("/proc/{}/cmdline", podman[0]))
            .is_ok_and(|line| line.contains("podman"))
    });
}

#[test]
fn the_detach_keys_leave_and_say_how_to_come_back() {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    terminal.send(DETACH);
    terminal.wait_for("left session 'default'; back to it: agent-session restart default");
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!((work.clients(), work.clients_inside()), (0, 0));
    assert_eq!(work.listed()["status"], "running");
}

#[test]
fn zellijs_quit_keys_do_not_end_the_agent() {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    work.begin(&mut terminal);
    terminal.send("\x11");
    work.order("still here");
    terminal.wait_for("did still here");
    assert_eq!(work.clients(), 1);
}

#[test]
fn control_c_reaches_the_agent() {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    terminal
        .send("bash -c 'trap \"echo caught \\$((6*7)); exit\" INT; echo w\"\"aiting; read x'\r");
    terminal.wait_for("\nwaiting");
    terminal.send("\x03");
    terminal.wait_for("caught 42");
    assert_eq!(work.clients(), 1);
}

#[test]
fn podmans_own_detach_keys_are_the_agents() {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    // Prints each byte at once: podman would keep the first Ctrl+P until the next key.
    terminal.send("bash -c 'stty raw; echo w\"\"aiting; head -c 2 | od -An -tx1; stty sane'\r");
    terminal.wait_for("\nwaiting");
    terminal.send("\x10\x11");
    terminal.wait_for("10 11");
    terminal.send("bash -c 'stty raw; echo a\"\"gain; head -c 1 | od -An -tx1; stty sane'\r");
    terminal.wait_for("again");
    terminal.send("\x10");
    terminal.wait(" 10, at once", |text| text.matches(" 10").count() == 2);
}

/// Runs a command between two looks of a shell at the terminal, and waits with the terminal open.
fn bracketed(work: &Work, command: &str) -> Terminal {
    let script = format!(
        "seq -f 'line %g' 40; stty -g >before; echo at the prompt; \
         read -r go; {command}; echo $? >code; stty -g >after; echo at the prompt again; read -r end"
    );
    let terminal = work.env.terminal("bash", &["-c", &script]);
    terminal.wait_for("at the prompt");
    terminal
}

/// Attaches, ends that from the inside or outside, and compares what was with what is. The screen
/// at the end, and the exit code.
fn comes_back(work: &Work, end: impl FnOnce(&mut Terminal)) -> (String, String) {
    let mut terminal = bracketed(work, "agent-session start");
    let before = terminal.state();
    terminal.send("\r");
    terminal.wait_for("/workspace>");
    assert_ne!(terminal.state(), before, "nothing was switched at all");
    end(&mut terminal);
    terminal.wait_for("at the prompt again");
    assert_eq!(terminal.state(), before);
    let read = |name| fs::read_to_string(work.env.path("project").join(name)).unwrap();
    assert_eq!(read("before"), read("after"));
    terminal.wait_for("line 40\n");
    (terminal.text(), read("code").trim().to_owned())
}

#[test]
fn a_terminal_is_as_it_was_after_a_detach() {
    let (text, code) = comes_back(&work(), |terminal| terminal.send(DETACH));
    assert_eq!(code, "0", "{text}");
}

#[test]
fn a_terminal_is_as_it_was_after_a_stop_from_elsewhere() {
    let work = work();
    let (text, code) = comes_back(&work, |_| {
        work.env.ok(&["stop"]);
    });
    assert_eq!(code, "0", "{text}");
    let note = "session 'default' was stopped: agent-session restart default";
    assert!(text.contains(note), "{text}");
}

#[test]
fn a_terminal_is_as_it_was_after_a_crash_of_zellij_and_start_mends_it() {
    let work = work();
    let (text, code) = comes_back(&work, |_| work.crash_zellij());
    assert_eq!(code, "1", "{text}");
    assert!(text.contains("error: the terminal server of session 'default'"), "{text}");
    work.attach_shell(100, 30);
}

#[test]
fn a_terminal_is_as_it_was_after_a_signal() {
    let work = work();
    let (text, code) = comes_back(&work, |terminal| {
        let agent_session = podman_of(terminal);
        assert!(Command::new("kill").args(agent_session).status().unwrap().success());
    });
    assert_eq!(code, "143", "{text}");
}

#[test]
fn a_terminal_is_as_it_was_after_podman_was_killed() {
    let work = work();
    let (text, code) = comes_back(&work, |terminal| {
        let agent_session = podman_of(terminal).remove(0);
        let kill = Command::new("pkill").args(["-KILL", "-P", &agent_session]).status();
        assert!(kill.unwrap().success());
    });
    assert_eq!(code, "137", "{text}");
}

#[test]
fn leaving_the_last_shell_ends_neither_session_nor_terminal() {
    let work = work();
    let (text, code) = comes_back(&work, |terminal| terminal.send("exit\r"));
    assert_eq!(code, "0", "{text}");
    assert_eq!(work.listed()["status"], "running");
    work.attach_shell(100, 30);
}

#[test]
fn a_pane_has_the_terminals_size_from_the_beginning() {
    let work = work();
    let mut terminal = work.attach_shell(123, 37);
    terminal.send("stty size; echo $LINES $COLUMNS\r");
    terminal.wait_for("\n35 123\n35 123\n");
}

#[test]
fn a_pane_follows_its_terminal() {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    for (columns, lines) in [(61, 17), (140, 45)] {
        terminal.resize(columns, lines);
        work.wait_for_size(columns, lines);
    }
    terminal.send("echo $LINES $COLUMNS\r");
    terminal.wait_for("\n43 140\n");
}

/// Types into one terminal what both are to show.
fn mirrored(from: &mut Terminal, to: &Terminal, word: &str) {
    from.send(&format!("echo {word}-$(math 6 x 7)\r"));
    to.wait_for(&format!("\n{word}-42"));
    from.wait_for(&format!("\n{word}-42"));
}

#[test]
fn two_terminals_show_the_same_and_a_third_disturbs_neither() {
    let work = work();
    let mut one = work.attach_shell(100, 30);
    let mut two = work.attach_shell(100, 30);
    assert_eq!((work.clients(), work.clients_inside()), (2, 2));
    mirrored(&mut one, &two, "first");
    mirrored(&mut two, &one, "second");

    let mut three = work.attach_shell(100, 30);
    assert_eq!((work.clients(), work.clients_inside()), (3, 3));
    mirrored(&mut one, &two, "third");
    three.send(DETACH);
    assert_eq!(three.exit_code(), 0);
    mirrored(&mut two, &one, "fourth");

    one.send(DETACH);
    assert_eq!(one.exit_code(), 0);
    assert_eq!((work.clients(), work.clients_inside()), (1, 1));
    two.send("echo left-$(math 6 x 7)\r");
    two.wait_for("\nleft-42");
}

#[test]
fn a_dead_terminal_is_detached_and_a_living_one_is_not() {
    let work = work();
    let mut living = work.attach_shell(100, 30);
    let mut dead = work.attach_shell(60, 20);
    work.wait_for_size(60, 20);
    dead.signal("KILL");
    dead.exit_code();
    let newcomer = work.attach(110, 35);
    assert_eq!((work.clients(), work.clients_inside()), (2, 2));
    // Of the living, the smaller decides.
    work.wait_for_size(100, 30);
    mirrored(&mut living, &newcomer, "here");
}

#[test]
fn terminals_that_come_and_go_at_once_are_not_taken_for_each_other() {
    let work = work();
    for _ in 0..3 {
        let mut terminals: Vec<_> = (0..6).map(|_| work.start(100, 30)).collect();
        for terminal in &mut terminals {
            terminal.wait_for("/workspace>");
            terminal.send(DETACH);
        }
        for terminal in &mut terminals {
            assert_eq!(terminal.exit_code(), 0);
        }
    }
    assert_eq!((work.clients(), work.clients_inside()), (0, 0));
}

/// Neither a line of podman's nor anything else has come before the session's own screen.
fn attaches_cleanly(env: &TestEnv, args: &[&str]) {
    let mut terminal = env.terminal("agent-session", args);
    terminal.wait_for("/workspace>");
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    let before = raw.split("\x1b[?1049h").next().unwrap();
    assert_eq!(strip(before), "", "before the session's screen");
    terminal.send(DETACH);
    assert_eq!(terminal.exit_code(), 0);
}

/// What is left to see of a text from which the escape sequences are taken away.
fn strip(text: &str) -> String {
    let mut parser = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
    parser.process(text.as_bytes());
    parser.screen().contents()
}

#[test]
fn plain_start_on_a_terminal_brings_a_stopped_session_back() {
    let work = work();
    work.env.ok(&["stop"]);
    attaches_cleanly(&work.env, &["start"]);
    assert_eq!(work.listed()["status"], "running");
}

#[test]
fn restart_on_a_terminal_brings_a_stopped_session_back() {
    let work = work();
    work.env.ok(&["stop"]);
    attaches_cleanly(&work.env, &["restart"]);
    attaches_cleanly(&work.env, &["restart"]);
}

#[test]
fn start_and_restart_on_a_terminal_wake_a_paused_session() {
    let work = work();
    for command in ["start", "restart"] {
        work.env.pause("default");
        assert_eq!(work.listed()["status"], "paused");
        attaches_cleanly(&work.env, &[command]);
        assert_eq!(work.listed()["status"], "running");
    }
}

#[test]
fn start_on_a_terminal_makes_a_session_and_attaches() {
    let env = TestEnv::new();
    attaches_cleanly(&env, &["start", "-a", "shell"]);
    assert_eq!(env.json(&["ls"])[0]["status"], "running");
}

#[test]
fn restart_on_a_terminal_does_not_make_a_session() {
    let env = TestEnv::new();
    let mut terminal = env.terminal("agent-session", &["restart", "nothing"]);
    assert_eq!(terminal.exit_code(), 3);
    terminal.wait_for("error: session 'nothing' not found\nhint: agent-session ls");
}

#[test]
fn detach_on_a_terminal_does_not_attach() {
    let work = work();
    let before: ScreenState = work.env.terminal("true", &[]).state();
    for args in [&["start", "-d"][..], &["restart", "-d"]] {
        let mut terminal = work.env.terminal("agent-session", args);
        assert_eq!(terminal.exit_code(), 0);
        terminal.wait_for("Session 'default' is running, with shell. Attach: agent-session start");
        assert_eq!(terminal.state(), before);
        assert_eq!(work.clients(), 0);
    }
}

#[test]
fn json_on_a_terminal_neither_asks_nor_attaches() {
    let env = TestEnv::new();
    let mut terminal = env.terminal_of("agent-session", &["start", "--json"], 200, 60);
    assert_eq!(terminal.exit_code(), 0);
    terminal.wait_for("}\n");
    let text = terminal.text();
    let (notes, json) = text.split_at(text.find('{').unwrap());
    assert!(notes.lines().all(|line| line.starts_with("agent-session: ")), "{notes}");
    let session: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!((&session["agent"], &session["clients"]), (&"claude".into(), &0.into()));
}
