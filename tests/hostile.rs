//! Projects that nobody trusts: what is opened of them, what is printed of their names, and that
//! nothing of them is ever run.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::thread;

use crate::support::{Output, TestEnv};

/// Names that shells, terminals and parsers trip over: 200 of them, each of which runs `touch` if
/// somebody takes it for a command.
fn names(canary: &str) -> Vec<OsString> {
    let touch = format!("touch {}", canary.replace('/', "$(printf '\\057')"));
    let patterns = [
        "$({})",
        "`{}`",
        "; {};",
        "| {} |",
        "&& {} &&",
        "\n{}\n",
        "'; {}; '",
        "\"; {}; \"",
        "$(({}))",
        "<({})",
        "\\$({})",
        "${X:-$({})}",
        "a b$({})",
        "%{$({})%}",
        "\x1b]0;$({})\x07",
        "-{}",
        "--help $({})",
        "=({})",
        "~$({})",
        "*{}",
        "[a$({})",
        "#{}",
        "!{}",
        "({})",
        "{a,$({})}",
        "\t{}",
        "\r{}",
        "%n%~{}",
        "\\e[31m{}",
        "ä$({})漢",
    ];
    let mut all: Vec<OsString> =
        patterns.iter().map(|pattern| pattern.replace("{}", &touch).into()).collect();
    let plain = [
        " ",
        "  ",
        "-",
        "--",
        "-rf",
        "--prompt",
        "...",
        "a'b",
        "a\"b",
        "a\\b",
        "a`b",
        "a$b",
        "a;b",
        "a&b",
        "a|b",
        "a<b",
        "a>b",
        "a*b",
        "a?b",
        "a[b]",
        "a{b}",
        "a(b)",
        "a#b",
        "a!b",
        "a%b",
        "a~b",
        "a=b",
        "a:b",
        "a,b",
        "a@b",
        "a^b",
        "\u{202e}evil",
        "\u{200f}",
        "\u{feff}",
        "\x7f",
        "\x01",
        "\x1b[31mred",
        "\x1b[2J",
        "\x1bc",
        "\x1b]52;c;eA==\x07",
        "\u{9b}31m",
        "%s%n%d",
        "${IFS}",
        "default\nname",
        "line\\nline",
        "\x08\x08\x08",
        "e\u{301}",
        "\u{1f600}",
    ];
    all.extend(plain.map(OsString::from));
    all.extend(
        [&b"\xff"[..], b"\xfe\xff", b"a\xc3(", b"\xed\xa0\x80", b"\xf0\x28"]
            .map(|bytes| OsStr::from_bytes(bytes).into()),
    );
    all.extend(
        (0..=255u8)
            .filter(|byte| !matches!(byte, 0 | b'/' | b'.'))
            .step_by(2)
            .map(|byte| OsString::from_vec(vec![b'x', byte, b'y'])),
    );
    all.extend([1, 100, 255].map(|length| OsString::from("n".repeat(length))));
    all.truncate(210);
    assert!(all.len() >= 200);
    all
}

fn hostile(env: &TestEnv, name: &OsStr) -> PathBuf {
    let root = env.path("hostile").join(name);
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join(".agent-session.toml"), "agent = 'shell'\nauto = 'hint'\n").unwrap();
    root
}

fn run(env: &TestEnv, root: &Path, args: &[&OsStr]) -> Output {
    let mut command = env.command("agent-session", &[]);
    command.args(args).current_dir(root);
    env.finish(command)
}

/// Nothing but text and line ends.
fn assert_harmless(root: &Path, output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let raw = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{root:?}: {text:?}");
    }
}

#[test]
fn no_name_of_a_directory_is_run_or_printed_raw() {
    let env = TestEnv::new();
    let canary = env.path("canary");
    let mut roots: Vec<_> =
        names(canary.to_str().unwrap()).iter().map(|name| hostile(&env, name)).collect();
    // 4,000 bytes.
    let deep = (0..15).fold(PathBuf::new(), |path, _| path.join("d".repeat(250)));
    roots.push(hostile(&env, deep.as_os_str()));
    thread::scope(|scope| {
        for some in roots.chunks(roots.len().div_ceil(4)) {
            scope.spawn(|| some.iter().for_each(|root| try_out(&env, root)));
        }
    });
    assert!(!canary.exists());
}

/// Enters a project before it is allowed, has every command look at it, and denies it.
fn try_out(env: &TestEnv, root: &Path) {
    let entered = run(env, root, &[OsStr::new("enter"), root.as_os_str()]);
    assert_harmless(root, &entered);
    assert_eq!((entered.code, entered.stderr.lines().count()), (0, 1), "{root:?}");
    for args in
        [&["start"][..], &["allow"], &["status", "--prompt"], &["config", "show"], &["deny"]]
    {
        let args: Vec<_> = args.iter().map(OsStr::new).collect();
        assert_harmless(root, &run(env, root, &args));
    }
    let entered = run(env, root, &[OsStr::new("enter"), root.as_os_str()]);
    assert_eq!((entered.code, entered.stderr.as_str()), (0, ""), "{root:?}");
}

/// The files below the project that a command opens, by its system calls.
fn opened(env: &TestEnv, args: &[&str], complete: bool) -> Vec<String> {
    let log = env.path("strace.log");
    let calls = "trace=open,openat,openat2,execve";
    let mut words = vec!["-f", "-qq", "-y", "-e", calls, "-o", log.to_str().unwrap()];
    words.push("agent-session");
    words.extend(args);
    let mut command = env.command("strace", &words);
    if complete {
        command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
    }
    env.finish(command);
    let below = format!("<{}", env.project().display());
    let text = fs::read_to_string(log).unwrap();
    assert!(text.contains("execve("), "{text}");
    let results = text.lines().filter_map(|line| line.rsplit_once(" = "));
    let files = results.filter(|(call, file)| {
        // The names in a directory, where paths are completed, are not what is in its files.
        file.contains(&below) && !call.contains("O_DIRECTORY")
    });
    files.map(|(_, file)| file.to_owned()).collect()
}

#[test]
fn nothing_of_a_project_that_nobody_allowed_is_opened() {
    let env = TestEnv::new();
    env.write("project/.agent-session.toml", "agent = 'shell'\nname = 'web'\n");
    env.write("project/Containerfile", "FROM scratch\n");
    env.write("project/.envrc", "exit 1\n");
    let root = env.project().to_str().unwrap().to_owned();
    for (args, complete) in [
        (&["enter", root.as_str()][..], false),
        (&["start"], false),
        (&["stop"], false),
        (&["status", "--prompt"], false),
        (&["--", "agent-session", "stop", ""], true),
        (&["--", "agent-session", "start", ""], true),
    ] {
        assert_eq!(opened(&env, args, complete), [""; 0], "{args:?}");
    }
    // Once it was allowed its bytes are read, to see whether they are still the same.
    env.ok(&["allow"]);
    env.write("project/.agent-session.toml", "agent = 'shell'\nname = 'evil'\n");
    let files = opened(&env, &["enter", &root], false);
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].contains("/.agent-session.toml>"), "{files:?}");
    env.ok(&["deny"]);
    assert_eq!(opened(&env, &["enter", &root], false), [""; 0]);
}
