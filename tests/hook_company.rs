//! The hooks beside other programs' hooks, loaded before and after; and what the kernel is asked
//! for.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::shells::{Bench, Kind};
use crate::support::var;

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
        assert_eq!(shell.run(&kind.call(status(kind))), ["7"], "{kind:?}");
    }
}

/// The exit status of what was run last.
fn status(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash | Kind::Zsh => "$?",
        Kind::Fish => "$status",
        Kind::Nu => "$env.LAST_EXIT_CODE",
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

/// A bench that has starship, whose prompt has the number of prompts so far in it.
fn with_starship() -> Bench {
    let mut bench = Bench::new();
    let config = "add_newline = false\nformat = '$env_var'\n\
                  [env_var.PROMPT_TICK]\nformat = 'starship <$env_value> '\n";
    let config = bench.env.write("starship.toml", config);
    bench.env.set("STARSHIP_CONFIG", config.to_str().unwrap());
    symlink(var("AGENT_SESSION_TEST_STARSHIP"), bench.env.path("bin/starship")).unwrap();
    let init = bench.env.command("starship", &["init", "nu"]);
    let init = bench.env.finish(init).stdout;
    bench.env.write("home/.config/nushell/starship.nu", &init);
    bench
}

/// What a shell reads for it.
fn starship(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash => {
            "export PROMPT_TICK=0; tick_up() { ((PROMPT_TICK += 1)); }; starship_precmd_user_func=tick_up\n\
             eval \"$(starship init bash)\""
        }
        Kind::Zsh => {
            "export PROMPT_TICK=0; tick_up() { ((PROMPT_TICK += 1)) }; precmd_functions+=(tick_up)\n\
             eval \"$(starship init zsh)\""
        }
        Kind::Fish => {
            "set -gx PROMPT_TICK 0; function tick_up --on-event fish_prompt; set PROMPT_TICK (math $PROMPT_TICK + 1); end\n\
             starship init fish | source"
        }
        Kind::Nu => {
            "use starship.nu\n\
             $env.config.hooks.pre_prompt ++= [{|| $env.PROMPT_TICK = $'($env.tick.n)' }]"
        }
    }
}

fn bash_preexec() -> String {
    format!(". {}", var("AGENT_SESSION_TEST_BASH_PREEXEC"))
}

/// Runs a shell that reads this before the hook or behind it.
fn comes_and_goes(bench: &Bench, kind: Kind, before: &str, after: &str) {
    let mut shell = bench.shell_with(kind, before, after);
    let has_starship = before.contains("starship") || after.contains("starship");
    assert_eq!(shell.terminal.text().contains("starship <"), has_starship, "{kind:?}");
    let last_status = kind.call(status(kind));
    let context = format!("{kind:?}: {before} | {after}");
    assert_eq!(shell.run("cd one; sh -c 'exit 5'"), ["enter -- one"], "{context}");
    assert_eq!(shell.run(&last_status), ["5"], "{context}");
    assert_eq!(shell.run("cd ..; sh -c 'exit 6'"), [""; 0], "{context}");
    assert_eq!(shell.run(&last_status), ["6"], "{context}");
    assert_eq!(shell.run("cd one"), ["enter --again -- one"], "{context}");
}

#[test]
fn starship_may_come_before_and_after() {
    let bench = with_starship();
    for kind in Kind::ALL {
        comes_and_goes(&bench, kind, starship(kind), "");
        comes_and_goes(&bench, kind, "", starship(kind));
    }
}

#[test]
fn bash_preexec_may_come_before_and_after_and_starship_with_it() {
    let bench = with_starship();
    let (preexec, starship) = (bash_preexec(), starship(Kind::Bash));
    let both = format!("{preexec}\n{starship}");
    for (before, after) in [
        (preexec.as_str(), ""),
        ("", preexec.as_str()),
        (both.as_str(), ""),
        ("", both.as_str()),
        (preexec.as_str(), starship),
        (starship, preexec.as_str()),
    ] {
        comes_and_goes(&bench, Kind::Bash, before, after);
    }
}

#[test]
fn what_sees_the_users_commands_sees_none_of_the_hooks() {
    let bench = Bench::new();
    let preexec = format!("{}; preexec() {{ seen+=(\"$1\"); }}", bash_preexec());
    for (before, after) in [(preexec.as_str(), ""), ("", preexec.as_str())] {
        let mut shell = bench.shell_with(Kind::Bash, before, after);
        assert_eq!(shell.run("cd one"), ["enter -- one"]);
        let line = "agent-session \"${seen[@]}\"";
        assert_eq!(shell.run(line), [format!("cd one {line}")], "{before}");
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
