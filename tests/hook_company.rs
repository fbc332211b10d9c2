//! The hooks beside other programs' hooks, loaded before and after; and what the kernel is asked
//! for.

use std::fs;

use crate::support::shells::{Bench, Kind};

/// What a shell reads for the hooks of direnv and zoxide; Nushell has none of direnv's, and one of
/// zoxide's that is written as zoxide has it.
fn others(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash => "eval \"$(direnv hook bash)\"; eval \"$(zoxide init bash)\"",
        Kind::Zsh => "eval \"$(direnv hook zsh)\"; eval \"$(zoxide init zsh)\"",
        Kind::Fish => "direnv hook fish | source; zoxide init fish | source",
        Kind::Nu => {
            "$env.config.hooks.env_change.PWD = ($env.config.hooks.env_change.PWD? | default []\
             | append {__zoxide_hook: true, code: {|_, dir| ^zoxide add -- $dir }})"
        }
    }
}

fn keeps_company(before: bool) {
    let bench = Bench::new();
    bench.env.write("project/one/.envrc", "export LOADED=yes\n");
    let mut allow = bench.env.command("direnv", &["allow", "one"]);
    assert!(allow.status().unwrap().success());
    for kind in Kind::ALL {
        let (first, last) = if before { (others(kind), "") } else { ("", others(kind)) };
        let mut shell = bench.shell_with(kind, first, last);
        assert_eq!(shell.run("cd one"), ["enter -- one"], "{kind:?}\n{}", shell.terminal.text());
        if kind != Kind::Nu {
            assert_eq!(shell.run("agent-session $LOADED"), ["yes"], "{kind:?}");
        }
        assert_eq!(shell.run("cd ../plain"), [""; 0], "{kind:?}");
        let jump = if kind == Kind::Nu { "cd (^zoxide query one)" } else { "z one" };
        let text = shell.terminal.text();
        assert_eq!(shell.run(jump), ["enter --again -- one"], "{kind:?}\n{text}");
        let fails = "cd ../two; sh -c 'exit 7'";
        assert_eq!(shell.run(fails), ["enter -- two"], "{kind:?}");
        let status = match kind {
            Kind::Bash | Kind::Zsh => "$?",
            Kind::Fish => "$status",
            Kind::Nu => "$env.LAST_EXIT_CODE",
        };
        assert_eq!(shell.run(&kind.call(status)), ["7"], "{kind:?}");
    }
}

#[test]
fn direnv_and_zoxide_may_come_before() {
    keeps_company(true);
}

#[test]
fn direnv_and_zoxide_may_come_after() {
    keeps_company(false);
}

/// As starship does without bash-preexec: it takes PROMPT_COMMAND's place, and runs what was there.
const STARSHIP: &str = "precmd() { status=$?; (exit \"$status\"); eval \"${saved-}\"; }; \
                        saved=$PROMPT_COMMAND; PROMPT_COMMAND=precmd";

/// As bash-preexec does: at the first prompt it puts itself around what is in PROMPT_COMMAND, and
/// takes for the user's only what DEBUG sees after the last of it.
const PREEXEC: &str = "\
inside() { ready=; (exit \"$1\"); }; last() { ready=yes; }
seen() { [ -z \"$ready\" ] || case $BASH_COMMAND in last) ;; *) ready=; user=$BASH_COMMAND ;; esac; }
begin() { PROMPT_COMMAND=${PROMPT_COMMAND/begin/inside \\$?}$'\\n'last; trap seen DEBUG; }
PROMPT_COMMAND=\"begin${PROMPT_COMMAND:+
$PROMPT_COMMAND}\"";

#[test]
fn prompts_that_take_over_prompt_command_may_come_before_and_after() {
    let bench = Bench::new();
    for other in [STARSHIP, PREEXEC] {
        for (before, after) in [(other, ""), ("", other)] {
            let mut shell = bench.shell_with(Kind::Bash, before, after);
            assert_eq!(shell.run("cd one; (exit 5)"), ["enter -- one"], "{before}");
            assert_eq!(shell.run("agent-session $?"), ["5"], "{before}");
            assert_eq!(shell.run("cd ..; (exit 6)"), [""; 0], "{before}");
            assert_eq!(shell.run("agent-session $?"), ["6"], "{before}");
            assert_eq!(shell.run("cd one"), ["enter --again -- one"], "{before}");
        }
    }
}

#[test]
fn what_sees_the_users_commands_sees_none_of_the_hooks() {
    let bench = Bench::new();
    for (before, after) in [(PREEXEC, ""), ("", PREEXEC)] {
        let mut shell = bench.shell_with(Kind::Bash, before, after);
        shell.run("cd one");
        assert_eq!(shell.run("agent-session \"$user\""), ["agent-session \"$user\""], "{before}");
    }
}

/// The question whether this directory has a project file, as strace shows it.
fn question(directory: &str) -> String {
    format!("/{directory}/.agent-session.toml\"")
}

/// What the shell asked the kernel for between the questions after the files of two directories,
/// the last time that it came from the one to the other.
fn between<'a>(trace: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let end = trace.rfind(&question(to)).unwrap();
    let begin = trace[..end].rfind(&question(from)).unwrap();
    trace[begin..end].lines().skip(1).collect()
}

fn is_start(line: &str) -> bool {
    let is_thread = line.contains("CLONE_THREAD") || line.contains("resumed");
    line.contains("execve(") || line.contains("fork(") || (line.contains("clone") && !is_thread)
}

#[test]
fn a_directory_without_a_project_starts_and_opens_nothing() {
    let bench = Bench::new();
    bench.env.mkdir("project/plain2");
    for kind in Kind::ALL {
        let trace = bench.env.path(format!("trace-{}", kind.name()));
        let calls = "trace=process,%file";
        let starter = ["strace", "-f", "-s", "5000", "-e", calls, "-o", trace.to_str().unwrap()];
        let mut shell = bench.shell_by(kind, "", "", &starter, &[]);
        // The first time a shell may load something of its own.
        for line in
            ["cd plain/below", "cd ../../plain2", "cd ../plain/below", "cd ../../plain2", "cd .."]
        {
            shell.send_line(line);
        }
        drop(shell);
        let trace = fs::read_to_string(&trace).unwrap();
        let here = between(&trace, "plain/below", "plain2");
        assert!(here.iter().any(|line| line.contains(&question("project"))), "{kind:?}: {here:#?}");
        let started: Vec<_> = here.iter().filter(|line| is_start(line)).collect();
        assert!(started.is_empty(), "{kind:?}: {started:#?}");
        // zsh's line editor runs its widgets with /dev/null for input.
        let is_opened = |line: &&&str| line.contains("open") && !line.contains("\"/dev/null\"");
        let opened: Vec<_> = here.iter().filter(is_opened).collect();
        // fish and Nushell look into directories for their suggestions, hook or not.
        assert!(opened.is_empty() || !Kind::POSIX.contains(&kind), "{kind:?}: {opened:#?}");
    }
}

#[test]
fn of_a_project_only_the_existence_of_its_file_is_asked_for() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        let trace = bench.env.path(format!("trace-{}", kind.name()));
        let starter =
            ["strace", "-f", "-e", "trace=%file", "-s", "5000", "-o", trace.to_str().unwrap()];
        let mut shell = bench.shell_by(kind, "", "", &starter, &[]);
        assert_eq!(shell.run("cd one"), ["enter -- one"], "{kind:?}");
        drop(shell);
        let trace = fs::read_to_string(&trace).unwrap();
        let about: Vec<_> = trace.lines().filter(|line| line.contains("/one/")).collect();
        assert!(!about.is_empty(), "{kind:?}");
        let is_question = |line: &&str| line.contains("stat") || line.contains("access");
        assert!(
            about.iter().all(|line| is_question(line) && line.contains(&question("one"))),
            "{kind:?}: {about:#?}"
        );
    }
}
