//! The lines for Nushell in README.md, and its picture.

use std::fs;

use super::bench::{Nu, PLUGIN};
use super::tmux::Tmux;
use crate::support::picture;

/// The blocks of the section: what is set up, and what is used.
fn blocks() -> [String; 2] {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## Nushell\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("```nu\n").skip(1);
    let blocks: Vec<_> = blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect();
    blocks.try_into().unwrap()
}

#[test]
fn what_the_readme_sets_up_is_there_for_every_later_nushell() {
    let nu = Nu::without_plugin();
    let bin = nu.env.mkdir("home/.cargo/bin");
    // Nushell refuses a symbolic link.
    fs::copy(PLUGIN, bin.join("nu_plugin_agent_session")).unwrap();
    nu.text(&blocks()[0]);
    let autoload = nu.text("$nu.data-dir | path join vendor autoload agent-session.nu");
    assert_eq!(nu.text(&format!("nu-check --debug '{autoload}'")), "true");
    assert_eq!(nu.text("plugin list | get name.0"), "agent_session");
}

#[test]
fn what_the_readme_uses_runs() {
    let nu = Nu::new();
    for folder in ["api", "web"] {
        nu.env.mkdir(&format!("home/src/{folder}"));
    }
    for line in blocks()[1].lines() {
        nu.text(line);
    }
}

#[test]
fn a_picture_of_typed_values() {
    let nu = Nu::new();
    nu.start(&["api", "site"]);
    nu.env.ok(&["stop", "site"]);
    let words = nu.interactive();
    let tmux = Tmux::new(&nu.env, &words.iter().map(String::as_str).collect::<Vec<_>>());
    tmux.wait("a prompt", |screen| screen.contains('>'));
    tmux.keys(&["C-l"]);
    tmux.wait("a cleared screen", |screen| screen.trim() == ">");
    let lines = [
        "agent-session ls | select name agent status uptime created",
        "agent-session agents | select name ready size | where size > 800MB",
        "agent-session ls | get uptime | describe",
    ];
    for (line, last) in lines.iter().zip(["site", "opencode", "list<"]) {
        tmux.line(line);
        tmux.wait(line, |screen| {
            let after = screen.rsplit(line).next().unwrap_or_default();
            after.contains(last) && after.trim_end().ends_with('>')
        });
    }
    picture::check(
        "nushell",
        tmux.coloured().trim_end(),
        &[lines[0], "running", "stopped", lines[1], "opencode"],
    );
}
