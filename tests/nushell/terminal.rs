//! Nushell as its user sees it: completions, Ctrl+C, and sessions on its terminal.

use std::fs;

use super::bench::Nu;
use super::tmux::Tmux;
use crate::support::eventually;

/// An interactive Nushell at its first prompt.
fn open(nu: &Nu) -> Tmux<'_> {
    let words = nu.interactive();
    let tmux = Tmux::new(&nu.env, &words.iter().map(String::as_str).collect::<Vec<_>>());
    tmux.wait("a prompt", |screen| screen.contains('>'));
    tmux
}

/// A line is typed and taken back, once Tab has shown what is expected.
fn offers(tmux: &Tmux, line: &str, expected: &[&str]) {
    tmux.keys(&["C-l"]);
    tmux.wait("an empty screen", |screen| screen.trim().lines().count() == 1);
    tmux.text(line);
    tmux.keys(&["Tab"]);
    tmux.wait(&format!("{line}: {expected:?}"), |screen| {
        expected.iter().all(|text| screen.contains(text))
    });
    tmux.keys(&["C-c"]);
}

fn completions(nu: &Nu) {
    nu.start(&["frontend", "backend"]);
    nu.env.ok(&["stop", "frontend"]);
    let tmux = open(nu);
    let names = ["frontend", "stopped, shell, /", "backend", "running, shell, /"];
    for command in ["stop", "rm", "inspect", "restart", "start -d --name"] {
        offers(&tmux, &format!("agent-session {command} "), &names);
    }
    offers(&tmux, "agent-session build ", &["opencode", "shell", "A shell in a container"]);
    offers(&tmux, "agent-session start --agent ", &["opencode", "A shell in a container"]);
    offers(&tmux, "agent-session schema ", &["inspect", "Everything about one session"]);
    offers(&tmux, "agent-session start --", &["--detach", "Do not attach", "--agent"]);
    offers(&tmux, "agent-session ", &["agent-session start", "agent-session ls"]);
}

#[test]
fn tab_offers_sessions_agents_and_flags_with_descriptions() {
    completions(&Nu::new());
}

#[test]
fn tab_offers_the_same_without_the_plugin() {
    completions(&Nu::without_plugin());
}

/// Whether there is such a process that is not merely unburied.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn ctrl_c_ends_a_long_call_and_leaves_no_process() {
    let nu = Nu::new();
    let pids = nu.env.path("pids");
    let hang = "case $1 in ps | build) sleep 1000 & echo $$ $! >>PIDS; wait;; esac";
    nu.env.podman_with(&hang.replace("PIDS", pids.to_str().unwrap()));
    nu.env.agent("tiny", "command = ['fish']", "FROM localhost/agent-session-base\nENV A=1\n");
    let tmux = open(&nu);
    for (number, line) in ["agent-session ls", "agent-session build tiny"].iter().enumerate() {
        tmux.line(line);
        let count = || fs::read_to_string(&pids).unwrap_or_default().lines().count();
        eventually("podman hangs", || count() > number);
        tmux.keys(&["C-c"]);
        for pid in fs::read_to_string(&pids).unwrap().split_whitespace() {
            eventually("its processes are gone", || !is_alive(pid));
        }
        // The next line is taken: the call is over.
        tmux.line(&format!("print $'free {number}1'"));
        tmux.wait_for(&format!("\nfree {number}1"));
    }
    // What was interrupted does not hold for the next call.
    nu.env.real("podman");
    tmux.line("agent-session agents | get name | str join ' ' | print");
    tmux.wait_for("claude opencode shell tiny");
}

#[test]
fn a_session_takes_the_terminal_and_gives_it_back_sound() {
    let nu = Nu::new();
    let tmux = open(&nu);
    for line in [
        "agent-session start -a shell",
        "agent-session restart",
        "'default' | agent-session restart",
        "agent-session start",
    ] {
        tmux.line(line);
        tmux.wait_for("/workspace>");
        tmux.line("echo inside$((1 + 1))");
        tmux.wait_for("inside");
        tmux.keys(&["C-o"]);
        tmux.keys(&["d"]);
        tmux.wait_for("left session 'default'");
        tmux.line("print $'sound (1 + 1)'; ^stty -a | find --no-highlight icanon echo | length");
        tmux.wait_for("sound 2");
        tmux.keys(&["C-l"]);
        tmux.wait("an empty screen", |screen| !screen.contains("sound"));
    }
    tmux.line("agent-session ls | get 0.clients | print $'clients ($in)'");
    tmux.wait_for("clients 0");
}
