//! The hooks on real podman: into a project's session at the prompt behind `cd`, and back out.

use crate::support::TestEnv;
use crate::support::shells::{Bench, Kind, Shell};
use crate::support::work::DETACH;

/// A project that is allowed, with the agent `shell`.
fn allowed() -> Bench {
    let env = TestEnv::new();
    env.mkdir("project/app/below");
    env.write("project/app/.agent-session.toml", "agent = \"shell\"\n");
    env.ok(&["allow", env.path("project/app").to_str().unwrap()]);
    Bench::on(env)
}

/// Types a line that is to lead into the session, and leaves the session again.
fn visit(shell: &mut Shell<'_>, line: &str) {
    let prompts = shell.prompts();
    shell.terminal.send(&format!("{line}\r"));
    shell.terminal.wait_for("/workspace>");
    shell.terminal.send(DETACH);
    shell.wait_for_prompt(prompts + 1);
}

fn goes_in_and_out(kind: Kind) {
    let bench = allowed();
    let mut shell = bench.shell(kind);
    visit(&mut shell, "cd app");
    assert_eq!(bench.env.status("app"), "running");
    // In the project, and left alone there.
    shell.send_line("cd below");
    shell.send_line("sh -c 'pwd >../here'");
    let here = std::fs::read_to_string(bench.env.path("project/app/here")).unwrap();
    assert!(here.trim_end().ends_with("project/app/below"), "{here}");
    shell.send_line("cd ../..");
    assert!(!shell.terminal.look(|screen| screen.alternate_screen()));
    visit(&mut shell, "cd app/below");
    let sessions = bench.env.json(&["ls"]);
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");
}

#[test]
fn bash_goes_into_the_session_and_out() {
    goes_in_and_out(Kind::Bash);
}

#[test]
fn zsh_goes_into_the_session_and_out() {
    goes_in_and_out(Kind::Zsh);
}

#[test]
fn fish_goes_into_the_session_and_out() {
    goes_in_and_out(Kind::Fish);
}

#[test]
fn nu_goes_into_the_session_and_out() {
    goes_in_and_out(Kind::Nu);
}

/// The lines on the screen that are neither a prompt nor empty.
fn said(shell: &Shell<'_>) -> Vec<String> {
    let lines = shell.terminal.lines();
    lines.into_iter().filter(|line| !line.starts_with('<') && !line.is_empty()).collect()
}

#[test]
fn a_project_that_nobody_allowed_is_told_of_once() {
    let bench = allowed();
    bench.env.write("project/app/.agent-session.toml", "agent = \"shell\"\nname = \"other\"\n");
    for kind in Kind::ALL {
        let mut shell = bench.shell(kind);
        for line in ["cd app", "cd below", "cd ../..", "cd app"] {
            shell.send_line(line);
        }
        let said = said(&shell).join(" ");
        assert_eq!(said.matches("agent-session allow").count(), 1, "{kind:?}: {said}");
    }
}

#[test]
fn a_podman_that_fails_or_hangs_costs_one_line() {
    let mut bench = allowed();
    bench.env.set("AGENT_SESSION_PODMAN_TIMEOUT", "1");
    for script in ["echo out of order >&2; exit 125", "exec tail -f /dev/null"] {
        bench.env.podman_with(script);
        for kind in Kind::ALL {
            let mut shell = bench.shell(kind);
            shell.send_line("cd app");
            shell.send_line("cd below");
            let said = said(&shell).join("");
            assert_eq!(said.matches("agent-session:").count(), 1, "{kind:?}: {said}");
        }
        bench.env.real("podman");
    }
}

#[test]
fn an_interrupt_ends_the_wait_for_podman() {
    let mut bench = allowed();
    bench.env.set("AGENT_SESSION_PODMAN_TIMEOUT", "1000");
    let waiting = bench.env.path("project/waiting");
    bench.env.podman_with(&format!("echo >'{}'; exec tail -f /dev/null", waiting.display()));
    for kind in Kind::ALL {
        let mut shell = bench.shell(kind);
        let prompts = shell.prompts();
        shell.terminal.send("cd app\r");
        crate::support::eventually("podman is asked", || waiting.exists());
        shell.terminal.send("\x03");
        shell.wait_for_prompt(prompts + 1);
        shell.send_line("cd below");
        std::fs::remove_file(&waiting).unwrap();
    }
    bench.env.real("podman");
}
