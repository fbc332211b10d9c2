//! The pictures of the documentation. `UPDATE_PICTURES=1 tests/run.sh pictures` takes them anew.

use crate::support::fake_model::FakeModel;
use crate::support::picture::{check, screen};
use crate::support::real::{KEY, enter, trust_workspace};
use crate::support::work::DETACH;
use crate::support::{Terminal, TestEnv};

/// A shell on a terminal, of somebody whose home is `/home/ada`, with a few projects.
fn ada(env: &mut TestEnv, columns: u16, lines: u16) -> Terminal {
    for project in ["api", "site", "notes"] {
        env.mkdir(&format!("people/ada/projects/{project}"));
    }
    env.write("people/ada/.bashrc", "PS1='\\[\\e[1;36m\\]\\w\\[\\e[0m\\] $ '; cd ~/projects/api\n");
    env.set("HOME", "/home/ada");
    env.set("ANTHROPIC_API_KEY", KEY);
    let script = "mount --bind \"$0\" /home && exec bash --rcfile /home/ada/.bashrc";
    let people = env.path("people").to_str().unwrap().to_owned();
    let args = ["--mount", "--propagation=slave", "sh", "-c", script, &people];
    let terminal = env.terminal_of("unshare", &args, columns, lines);
    terminal.wait_for("~/projects/api $");
    terminal
}

/// Runs a line in the shell, and waits for the prompt after it on a cleared screen.
fn quietly(shell: &mut Terminal, line: &str) {
    shell.send(&format!("{line} && clear && echo done\r"));
    shell.wait("the line to succeed", |screen| screen.starts_with("done\n"));
}

#[test]
fn a_session_with_claude_code() {
    let model = FakeModel::start();
    let mut env = TestEnv::with_host_network();
    let mut shell = ada(&mut env, 96, 30);
    env.write("people/ada/projects/api/README.md", "# api\n");
    let settings = format!(
        "-e ANTHROPIC_BASE_URL={} -e CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
        model.url()
    );
    quietly(&mut shell, &format!("agent-session start -d -a claude -n api {settings}"));
    shell.send("clear; agent-session start -n api\r");
    trust_workspace(&mut shell);
    enter(&mut shell, "write hello.py print('hello from the container')");
    shell.wait_for("● wrote it");
    let lines = ["Zellij (api)", "Claude Code v2", "Write(hello.py)", "hello from the container"];
    check("session", &screen(&shell), &lines);
    shell.send(DETACH);
    shell.wait_for("left session 'api'");
}

#[test]
fn a_list_of_sessions() {
    let mut env = TestEnv::new();
    let mut shell = ada(&mut env, 96, 12);
    for (agent, name) in [("claude", "api"), ("opencode", "site"), ("shell", "notes")] {
        quietly(
            &mut shell,
            &format!("agent-session start -d -a {agent} -n {name} ~/projects/{name}"),
        );
    }
    quietly(&mut shell, "agent-session stop site");
    shell.send("clear\r");
    shell.wait("a cleared screen", |screen| screen.trim_end() == "~/projects/api $");
    shell.send("agent-session ls\r");
    shell.wait("the list and a prompt", |screen| {
        screen.contains("stopped") && screen.trim_end().ends_with("~/projects/api $")
    });
    shell.send("agent-session ls --json | jq -c '.[] | {name, agent, status}'\r");
    shell.wait_for("\"status\":\"stopped\"}\n~/projects/api $");
    let lines = [
        "NAME AGENT STATUS UPTIME CREATED PROJECT",
        "api claude running 0s 0s ago /home/ada/projects/api",
        "notes shell running 0s 0s ago /home/ada/projects/notes",
        "site opencode stopped - 0s ago /home/ada/projects/site",
        r#"{"name":"api","agent":"claude","status":"running"}"#,
    ];
    check("ls", &screen(&shell), &lines);
}
