//! The man pages under `docs/man/` are what the command line generates, and sound.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use agent_session::cli::Cli;
use clap::CommandFactory;

/// Of the last change that users see.
const DATE: &str = "2026-11-22";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man")
}

/// Every page by its file's name; hidden commands have none.
fn pages() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut cli = Cli::command();
    cli.build();
    add(&cli, "agent-session", &mut all);
    all
}

/// Keeps the lines of examples as they are, and mends what mandoc would remark on: white space at
/// the ends of lines, breaks beside spaces, long lines.
fn tidy(page: &str) -> String {
    let mut examples = false;
    let mut lines = Vec::new();
    for line in page.lines().map(str::trim_end) {
        if line.starts_with(".SH") && std::mem::replace(&mut examples, line == ".SH EXTRA") {
            lines.push(".fi".into());
        }
        match line {
            ".SH EXTRA" => lines.extend([".SH EXAMPLES".into(), ".nf".into()]),
            line if examples || line.starts_with('.') => lines.push(line.to_owned()),
            line => lines.extend(wrap(line)),
        }
    }
    lines.join("\n").replace("\n.br\n\n.br\n", "\n.sp\n") + "\n"
}

fn wrap(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last_mut().unwrap();
        if last.is_empty() {
            last.push_str(word);
        } else if last.len() + 1 + word.len() > 80 {
            lines.push(word.to_owned());
        } else {
            *last = format!("{last} {word}");
        }
    }
    lines
}

fn add(command: &clap::Command, name: &str, all: &mut BTreeMap<String, String>) {
    let mut page = Vec::new();
    let title = name.to_uppercase();
    let renamed = command.clone().name(&*name.to_owned().leak()).version(env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(renamed).title(title).date(DATE).render(&mut page).unwrap();
    all.insert(format!("{name}.1"), tidy(&String::from_utf8(page).unwrap()));
    for child in command.get_subcommands().filter(|child| !child.is_hide_set()) {
        add(child, &format!("{name}-{}", child.get_name()), all);
    }
}

#[test]
fn the_committed_pages_are_what_the_command_line_says() {
    let pages = pages();
    if std::env::var_os("UPDATE_MAN").is_some() {
        fs::create_dir_all(folder()).unwrap();
        for (file, page) in &pages {
            fs::write(folder().join(file), page).unwrap();
        }
    }
    let advice = "UPDATE_MAN=1 cargo test --test main man";
    let entries = fs::read_dir(folder()).unwrap();
    let mut files: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, pages.keys().cloned().collect::<Vec<_>>(), "{advice}");
    for (file, page) in pages {
        assert!(fs::read_to_string(folder().join(&file)).unwrap() == page, "{file}: {advice}");
    }
}

#[test]
fn the_pages_are_sound() {
    for (file, page) in pages() {
        let mut mandoc = Command::new("mandoc");
        mandoc.args(["-T", "lint", "-W", "all"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut mandoc = mandoc.spawn().expect("mandoc is not installed: run tests/setup.sh");
        mandoc.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let output = mandoc.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.is_empty(), "{file}: {said}");
    }
}
