//! `shell/install.sh` where there is a Nushell: what it leaves is there whenever Nushell is started.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::bench::PLUGIN;
use crate::support::scratch::{Scratch, finish};
use crate::support::var;

const PROGRAM: &str = env!("CARGO_BIN_EXE_agent-session");

/// The value of a script, in the user's own Nushell.
fn nu(scratch: &Scratch, script: &str) -> String {
    let mut command = Command::new(var("AGENT_SESSION_TEST_NU"));
    let config = scratch.home(".config/nushell/config.nu");
    command.args(["--config", config.to_str().unwrap(), "--commands", script]);
    command.env_clear().env("HOME", scratch.home("")).env("PATH", "/usr/bin:/bin");
    let output = finish(command);
    assert_eq!(output.code, 0, "{script}: {}{}", output.stdout, output.stderr);
    output.stdout.trim().to_owned()
}

#[test]
fn every_nushell_has_the_commands_until_they_are_uninstalled() {
    let scratch = Scratch::ready();
    symlink(var("AGENT_SESSION_TEST_NU"), scratch.path("bin/nu")).unwrap();
    scratch.program(&format!(
        "case $1 in inspect) exit 3;; init|schema) exec '{PROGRAM}' \"$@\";; esac"
    ));
    fs::copy(PLUGIN, scratch.path("stubs/nu_plugin_agent_session")).unwrap();
    // Again, as an upgrade does.
    for _ in 0..2 {
        let output = scratch.ok(&["--yes"]);
        assert!(
            output.stdout.contains("the plugin is for nu 0.115, and this is nu 0.115."),
            "{output:?}"
        );
        let kinds = "scope commands | where name in ['agent-session ls' 'agent-session start'] \
                     | sort-by name | get type | str join ' '";
        assert_eq!(nu(&scratch, kinds), "plugin custom");
        assert_eq!(nu(&scratch, "agent-session schema ls | get title"), "ls");
        assert_eq!(nu(&scratch, "^agent-session schema ls | from json | get title"), "ls");
        let hooks = "$env.config.hooks.env_change.PWD | where agent_session? == true | length";
        assert_eq!(nu(&scratch, hooks), "1");
    }
    scratch.ok(&["--yes", "--uninstall"]);
    let config = scratch.home(".config/nushell/config.nu");
    assert!(!config.exists());
    fs::write(config, "").unwrap();
    assert_eq!(nu(&scratch, "plugin list | where name == agent_session | length"), "0");
}
