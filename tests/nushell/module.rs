//! The module: sound, complete, and with the same values where there is no plugin.

use std::collections::BTreeSet;

use agent_session::cli::Cli;
use agent_session::nu::AgentSession;
use clap::{ArgAction, CommandFactory};
use nu_plugin::PluginCommand;
use serde_json::{Value, json};

use super::bench::{MODULE, Nu};

#[test]
fn the_module_is_sound_also_where_it_is_sourced() {
    let nu = Nu::without_plugin();
    assert_eq!(nu.text(&format!("nu-check --debug --as-module {MODULE}")), "true");
    assert_eq!(nu.text(&format!("nu-check --debug {MODULE}")), "true");
    assert_eq!(
        nu.value(&format!("source {MODULE}; use agent-session-data *; agent-session ls")),
        json!([])
    );
}

#[test]
fn what_the_plugin_declares_the_module_gives_without_it() {
    let nu = Nu::without_plugin();
    let found = nu.value("scope commands | where name starts-with 'agent-session ' | get name");
    let found: BTreeSet<_> =
        found.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let commands = AgentSession::data_commands();
    let mut wanted: BTreeSet<_> = commands.iter().map(|one| one.name().to_owned()).collect();
    wanted.extend(["agent-session start", "agent-session restart"].map(String::from));
    assert_eq!(found, wanted);
}

#[test]
fn the_generated_completions_know_every_command() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/agent-session.nu");
    let found = Nu::without_plugin().value(&format!("use {file} *; scope externs | get name"));
    let found: Vec<_> = found.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    for command in Cli::command().get_subcommands() {
        let name = format!("agent-session {}", command.get_name());
        assert!(found.contains(&name.as_str()), "{name}: {found:?}");
    }
}

/// One session that runs unless it is to be removed, and one that is stopped.
fn prepare(nu: &Nu, script: &str) {
    nu.start(&["a", "b"]);
    nu.env.ok(&["stop", "b"]);
    if script.contains(" rm ") {
        nu.env.ok(&["stop", "a"]);
    }
}

/// What scripts give, and of which type it is, which must not depend on the plugin.
fn same_values(scripts: &[&str], mut before_each: impl FnMut(&Nu, &str)) {
    let nu = Nu::new();
    prepare(&nu, "");
    let by_json = |script: &str| {
        let script = format!("use {MODULE} *; use agent-session-data *; {script}");
        let words = nu.interactive();
        let args = ["--no-config-file", "--commands", &script];
        nu.env.finish(nu.env.command(&words[0], &args)).stdout.trim_end().to_owned()
    };
    for script in scripts {
        let all = format!("let value = ({script}); print ($value | to nuon); $value | describe");
        before_each(&nu, script);
        let by_plugin = nu.text(&all);
        before_each(&nu, script);
        // A session that was removed is another one now.
        assert_eq!(by_plugin, by_json(&all), "{script}");
        assert_eq!(by_plugin.lines().count(), 2, "{script}: {by_plugin}");
    }
}

#[test]
fn what_is_told_of_sessions_is_the_same_with_the_plugin_and_without() {
    let scripts = [
        "agent-session ls | reject uptime",
        "agent-session list | get uptime | describe",
        "agent-session agents",
        "agent-session inspect a | reject uptime",
        "[a b] | agent-session inspect | reject uptime",
        "'b' | agent-session inspect",
        "agent-session schema ls | columns | sort",
        "agent-session config show",
        "agent-session status",
        "agent-session doctor | get checks.code",
    ];
    same_values(&scripts, |_, _| ());
}

#[test]
fn what_is_done_to_sessions_is_the_same_with_the_plugin_and_without() {
    let scripts = [
        "agent-session stop b",
        "[b] | agent-session stop",
        "agent-session stop --all | reject created",
        "[{name: a}] | agent-session rm --force",
        "agent-session rm --force b",
        "[] | agent-session rm --force",
    ];
    same_values(&scripts, prepare);
}

/// Those that may be repeated are handed on as they are: Nushell would keep only the last.
#[test]
fn the_flags_of_what_takes_the_terminal_are_those_of_the_command_line() {
    let nu = Nu::without_plugin();
    let cli = Cli::command();
    for name in ["start", "restart"] {
        let found = nu.value(&format!(
            "scope commands | where name == 'agent-session {name}' | get 0.signatures.any \
             | where parameter_type in [named switch] and parameter_name != help \
             | select parameter_name short_flag description | sort-by parameter_name"
        ));
        let args = cli.find_subcommand(name).unwrap().get_arguments();
        let mut flags: Vec<_> = args
            .filter(|arg| !arg.is_global_set() && !matches!(arg.get_action(), ArgAction::Append))
            .filter(|arg| arg.get_long().is_some())
            .collect();
        flags.sort_by_key(|arg| arg.get_long());
        let wanted = flags.iter().map(|arg| {
            let help = arg.get_help().unwrap().to_string();
            let short = arg.get_short().map(String::from);
            json!({"parameter_name": arg.get_long(), "short_flag": short, "description": help})
        });
        assert_eq!(found, wanted.collect::<Value>(), "{name}");
    }
}

#[test]
fn an_error_that_no_argument_made_does_not_point_into_the_module() {
    let nu = Nu::without_plugin();
    for script in ["agent-session inspect", "agent-session inspect nope"] {
        let output = nu.run(script);
        assert!(output.stderr.contains("not found"), "{}", output.stderr);
        assert!(!output.stderr.contains("agent-session.nu"), "{}", output.stderr);
        assert_eq!(
            output.stderr.contains("from here"),
            script.contains("nope"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn what_comes_behind_two_dashes_is_the_agents() {
    let nu = Nu::without_plugin();
    nu.env.record_shell("");
    nu.text("agent-session start -d -a shell -e A=1 -e B=2 -- -d ~/x --json 'a b'");
    let argv = nu.env.recorded("default", 1).remove(0);
    assert_eq!(argv, json!(["new", "-d", "~/x", "--json", "a b"]));
    assert_eq!(nu.env.inside("default", "echo $A$B"), "12");
}
