//! Directories with names that shells, terminals and programs trip over, in all shells: nothing in
//! a name is run, obeyed, or lost on its way to agent-session.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::support::shells::{Bench, Kind, Shell};

/// Parts of names. `RAW` must never come to a terminal: nothing is to print a name.
const PARTS: [&[u8]; 40] = [
    b" ",
    b"  two  spaces ",
    b"'",
    b"\"",
    b"'\"'",
    b"\\",
    b"\\\\'",
    b"\\n",
    b"$(touch canary)",
    b"`touch canary`",
    b"$(>canary)",
    b"${x:=$(touch canary)}",
    b"$IFS",
    b"${PATH}",
    b"; touch canary;",
    b"| touch canary",
    b"& touch canary &",
    b"&& touch canary",
    b"> canary",
    b"(touch canary)",
    b"{touch,canary}",
    b"<(touch canary)",
    b"*",
    b"?[a-z]*",
    b"~",
    b"!!",
    b"#",
    b"%",
    b"%n %~ %F{red}",
    b"%(touch canary)",
    b"\n",
    b"a\nb\n\n",
    b"\ntouch canary\n",
    b"\t",
    b"\r",
    b"\x1b[31mRAW",
    b"\x1b]0;RAW\x07",
    b"\x07\x08\x7f",
    b"\xff\xfe",
    b"\xc3\x28\xf0\x9f\x98",
];

/// Each part in front, behind, in the middle, alone behind a dash, and below itself.
fn names() -> Vec<Vec<u8>> {
    let forms = |part: &[u8]| {
        [
            [part, b"x"].concat(),
            [b"x", part].concat(),
            [b"x", part, b"y", part, b"z"].concat(),
            [b"-", part].concat(),
            [b"deep/", part, b"d/", part, b"e"].concat(),
        ]
    };
    let mut all: Vec<_> = PARTS.iter().flat_map(|part| forms(part)).collect();
    // The one over 4,000 bytes, below the limit with what stands before it.
    all.push(vec![vec![b'l'; 200]; 19].join(&b'/'));
    all
}

/// A project of each name, and a directory below it; `go` leads to the latter by its number.
fn make(bench: &Bench) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    for (number, name) in names().iter().enumerate() {
        let root = bench.env.project().join(format!("n{number}")).join(OsStr::from_bytes(name));
        fs::create_dir_all(root.join("in")).unwrap();
        fs::write(root.join(".agent-session.toml"), "").unwrap();
        bench.name_directory(number, &root.join("in"));
        roots.push(root);
    }
    assert!(roots.len() > 200);
    roots
}

/// Whether anything named `canary` is below this directory.
fn is_poisoned(directory: &std::path::Path) -> bool {
    fs::read_dir(directory).unwrap().map(Result::unwrap).any(|entry| {
        entry.file_name() == "canary"
            || (entry.file_type().unwrap().is_dir() && is_poisoned(&entry.path()))
    })
}

/// Whether the screen holds prompts and the lines that were typed, and nothing else.
fn is_quiet(shell: &Shell<'_>) -> bool {
    let lines = shell.terminal.lines();
    let is_expected = |line: &str| {
        line.split_once("> ").is_some_and(|(_, typed)| typed.is_empty() || typed.starts_with("go "))
    };
    lines.iter().all(|line| line.is_empty() || is_expected(&format!("{line} ")))
}

/// Nushell itself changes to no path that is not text, and takes most control characters out of it.
fn is_beyond(kind: Kind, root: &std::path::Path) -> bool {
    let is_lost = |c: char| c.is_control() && c != '\n' && c != '\t';
    kind == Kind::Nu && root.to_str().is_none_or(|text| text.contains(is_lost))
}

fn visit(kind: Kind) {
    let bench = Bench::new();
    let roots = make(&bench);
    let mut shell = bench.shell(kind);
    for (number, root) in roots.iter().enumerate() {
        if is_beyond(kind, root) {
            continue;
        }
        shell.send_line(&format!("go {number}"));
        let expected = [b"enter -- ", root.as_os_str().as_bytes()].concat();
        assert_eq!(bench.raw_calls(), [expected], "{kind:?}: {root:?}\n{}", shell.terminal.text());
        assert!(is_quiet(&shell), "{kind:?}: {root:?}\n{}", shell.terminal.text());
    }
    assert!(!shell.terminal.raw().windows(3).any(|window| window == b"RAW"), "{kind:?}");
    assert!(!is_poisoned(&bench.env.path("")), "{kind:?}");
}

#[test]
fn bash_enters_projects_with_any_name() {
    visit(Kind::Bash);
}

#[test]
fn zsh_enters_projects_with_any_name() {
    visit(Kind::Zsh);
}

#[test]
fn fish_enters_projects_with_any_name() {
    visit(Kind::Fish);
}

#[test]
fn nu_enters_projects_with_any_name() {
    visit(Kind::Nu);
}

/// Tab on the way to each directory runs no hook, and nothing of a name.
fn complete(kind: Kind) {
    let bench = Bench::new();
    let roots = make(&bench);
    let mut shell = bench.shell(kind);
    for number in 0..roots.len() {
        shell.terminal.send(&format!("cd n{number}/\t"));
        shell.give_up_line();
    }
    assert_eq!(bench.calls(), [""; 0], "{kind:?}");
    assert!(!is_poisoned(&bench.env.path("")), "{kind:?}");
}

#[test]
fn bash_completes_any_name() {
    complete(Kind::Bash);
}

#[test]
fn zsh_completes_any_name() {
    complete(Kind::Zsh);
}

#[test]
fn fish_completes_any_name() {
    complete(Kind::Fish);
}

#[test]
fn nu_completes_any_name() {
    complete(Kind::Nu);
}
