//! The quick start and the list of commands, line by line, as somebody types them who reads them
//! for the first time: on a terminal, with what comes to the screen.

use crate::support::work::DETACH;
use crate::support::{Terminal, TestEnv};

/// Types a command into a shell of the user's; the line is the one in the documentation.
fn shell(env: &TestEnv) -> Terminal {
    env.write("home/.bashrc", "PS1='> '; cd ~/project\n");
    for folder in ["project", "frontend", "backend", "shared-libs", "projects/webapp"] {
        env.mkdir(&format!("home/{folder}"));
    }
    let terminal = env.terminal("bash", &["--rcfile", env.path("home/.bashrc").to_str().unwrap()]);
    terminal.wait_for("> ");
    terminal
}

fn enter(shell: &mut Terminal, line: &str) {
    shell.send(&format!("clear; {line}\r"));
}

fn attached(shell: &Terminal, session: &str) {
    shell.wait_for(&format!("Zellij ({session})"));
}

fn leave(shell: &mut Terminal, session: &str) {
    shell.send(DETACH);
    shell.wait_for(&format!("left session '{session}'"));
}

fn mounts(env: &TestEnv, session: &str) -> Vec<String> {
    let mounts = env.json(&["inspect", session])["mounts"].clone();
    let target = |mount: &serde_json::Value| mount["target"].as_str().unwrap().to_owned();
    mounts.as_array().unwrap().iter().map(target).collect()
}

#[test]
fn the_quick_start_can_be_followed() {
    let env = TestEnv::new();
    let mut shell = shell(&env);
    enter(&mut shell, "agent-session start");
    shell.wait_for("Available agents:\n  1. Claude (ready)\n  2. Opencode (ready)\n");
    shell.wait_for("Select agent (default: claude):");
    shell.send("\r");
    attached(&shell, "default");
    shell.wait_for("Claude Code");
    leave(&mut shell, "default");
    enter(&mut shell, "agent-session start");
    attached(&shell, "default");
    leave(&mut shell, "default");

    let several = "agent-session start -n fullstack ~/frontend ~/backend ~/shared-libs";
    enter(&mut shell, several);
    shell.wait_for("Select agent (default: claude):");
    shell.send("3\r");
    attached(&shell, "fullstack");
    leave(&mut shell, "fullstack");
    let expected = ["/workspace/frontend", "/workspace/backend", "/workspace/shared-libs"];
    assert_eq!(mounts(&env, "fullstack"), expected);

    enter(&mut shell, "agent-session start -n other -a opencode ~/projects/webapp");
    attached(&shell, "other");
    leave(&mut shell, "other");
    assert_eq!(mounts(&env, "other"), ["/workspace"]);
}

#[test]
fn the_commands_can_be_followed() {
    let env = TestEnv::new();
    let mut shell = shell(&env);
    enter(&mut shell, "agent-session start -a shell -n frontend ~/projects/webapp");
    attached(&shell, "frontend");
    leave(&mut shell, "frontend");
    enter(&mut shell, "agent-session start -a shell");
    attached(&shell, "default");
    leave(&mut shell, "default");
    enter(&mut shell, "agent-session ls");
    shell.wait_for("NAME       AGENT   STATUS");
    shell.wait_for("default    shell   running");
    shell.wait_for("frontend   shell   running");
    enter(&mut shell, "agent-session rm frontend");
    shell.wait_for("cannot remove running session");
    enter(&mut shell, "agent-session stop; agent-session stop frontend");
    shell.wait_for("Session 'default' is stopped.\nSession 'frontend' is stopped.");
    enter(&mut shell, "agent-session stop frontend");
    shell.wait_for("Session 'frontend' is stopped.");
    enter(&mut shell, "agent-session restart");
    attached(&shell, "default");
    leave(&mut shell, "default");
    enter(&mut shell, "agent-session restart frontend");
    attached(&shell, "frontend");
    leave(&mut shell, "frontend");
    enter(&mut shell, "agent-session start -n frontend");
    attached(&shell, "frontend");
    leave(&mut shell, "frontend");
    enter(&mut shell, "agent-session stop frontend && agent-session rm frontend");
    shell.wait_for("Remove 'frontend' with container, home and conversation? [y/N]");
    shell.send("y\r");
    shell.wait_for("Session 'frontend' is removed.");
    enter(&mut shell, "agent-session stop && agent-session rm -f");
    shell.wait_for("Session 'default' is removed.");
    enter(&mut shell, "agent-session stop X");
    shell.wait_for("session 'X' not found");
}
