//! The hooks, in interactive shells on terminals: when they call agent-session, and with what.

use std::fs;

use crate::support::shells::{Bench, Kind, Shell};

/// Runs lines in each shell, and compares what agent-session is called with after each.
fn in_each(kinds: &[Kind], lines: &[(&str, &[&str])]) {
    let bench = Bench::new();
    for kind in kinds {
        check(&mut bench.shell(*kind), lines);
    }
}

fn check(shell: &mut Shell<'_>, lines: &[(&str, &[&str])]) {
    for (line, calls) in lines {
        assert_eq!(shell.run(line), *calls, "{:?}: {line}\n{}", shell.kind, shell.terminal.text());
    }
}

#[test]
fn a_project_is_entered_once_until_it_is_left() {
    in_each(
        &Kind::ALL,
        &[
            ("cd plain/below", &[]),
            ("cd ../../one", &["enter -- one"]),
            ("cd below", &[]),
            ("cd ..", &[]),
            ("cd .", &[]),
            ("cd ..", &[]),
            ("cd one/below", &["enter --again -- one"]),
            ("cd ../../two/below", &["enter -- two"]),
            ("cd ../../one/inner", &["enter -- one/inner"]),
            ("cd ../below", &["enter --again -- one"]),
            ("cd /", &[]),
        ],
    );
}

#[test]
fn a_project_is_found_from_any_depth() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        let mut shell = bench.shell(kind);
        for depth in 1..=14 {
            let (below, back) = ("/d".repeat(depth), "/..".repeat(depth + 1));
            bench.env.mkdir(&format!("project/one{below}"));
            let call = if depth == 1 { "enter -- one" } else { "enter --again -- one" };
            let (there, back) = (format!("cd one{below}"), format!("cd .{back}"));
            check(&mut shell, &[(&there, &[call]), (&back, &[])]);
        }
    }
}

#[test]
fn a_project_is_entered_at_the_prompt_behind_the_whole_line() {
    let lines: &[(&str, &[&str])] = &[
        ("cd one; agent-session mark", &["mark", "enter -- one"]),
        ("cd ../plain; cd ../one", &[]),
        ("cd ../two; cd ../plain", &[]),
    ];
    in_each(&Kind::ALL, lines);
}

#[test]
fn no_function_subshell_or_script_enters_anything() {
    let lines: &[(&str, &[&str])] = &[
        ("there() { cd one; cd ..; }; there", &[]),
        ("(cd one; agent-session mark)", &["mark"]),
        ("x=$(cd one; agent-session mark)", &["mark"]),
        ("pushd one >/dev/null", &["enter -- one"]),
        ("popd >/dev/null", &[]),
        ("cd on\t", &["enter --again -- one"]),
    ];
    in_each(&Kind::POSIX, lines);
    let lines: &[(&str, &[&str])] = &[
        ("function there; cd one; cd ..; end; there", &[]),
        ("pushd one >/dev/null", &["enter -- one"]),
        ("popd >/dev/null", &[]),
    ];
    in_each(&[Kind::Fish], lines);
    let lines: &[(&str, &[&str])] =
        &[("def there [] { cd one; ^agent-session mark }; there", &["mark"])];
    in_each(&[Kind::Nu], lines);
}

#[test]
fn a_shell_that_is_not_interactive_has_no_hook() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        drop(bench.shell(kind));
        let rc = match kind {
            Kind::Nu => "source ~/.config/nushell/hook.nu; cd one; ^agent-session mark",
            Kind::Fish => {
                "agent-session init fish | source; cd one; emit fish_prompt; agent-session mark"
            }
            Kind::Bash => ". ~/.bashrc; cd one; eval \"$PROMPT_COMMAND\"; agent-session mark",
            Kind::Zsh => {
                ". ~/.zshrc; cd one; for f in $precmd_functions; do $f; done; agent-session mark"
            }
        };
        let output = bench.env.finish(bench.env.command(&kind.program(), &["-c", rc]));
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{kind:?}");
        assert_eq!(bench.calls(), ["mark"], "{kind:?}");
    }
}

#[test]
fn the_first_prompt_records_unless_told_otherwise() {
    let mut bench = Bench::new();
    for kind in Kind::ALL {
        let starter = ["env", "--chdir=one/below"];
        let mut shell = bench.shell_by(kind, "", "", &starter, &[]);
        let lines: &[(&str, &[&str])] =
            &[("cd ..", &[]), ("cd ..", &[]), ("cd one", &["enter -- one"])];
        check(&mut shell, lines);
    }
    bench.env.set("AGENT_SESSION_HOOK", "eager");
    for kind in Kind::ALL {
        let mut shell = bench.shell_by(kind, "", "", &["env", "--chdir=one/below"], &[]);
        check(&mut shell, &[("cd ..", &["enter -- one"])]);
    }
}

/// What silences the hook, each alone.
const SILENT: [(&str, &str); 14] = [
    ("AGENT_SESSION_HOOK", "0"),
    ("AGENT_SESSION", "default"),
    ("ZELLIJ", "0"),
    ("INSIDE_EMACS", "29.1,comint"),
    ("VIM", "/usr/share/vim"),
    ("NVIM", "/run/nvim.sock"),
    ("ZED_TERM", "true"),
    ("CI", "true"),
    ("INTELLIJ_ENVIRONMENT_READER", "true"),
    ("VSCODE_RESOLVING_ENVIRONMENT", "1"),
    ("TERM_PROGRAM", "vscode"),
    ("TERMINAL_EMULATOR", "JetBrains-JediTerm"),
    ("TERM", "dumb"),
    ("TERM", ""),
];

const HARMLESS: [(&str, &str); 2] = [("AGENT_SESSION_HOOK", "1"), ("TERM_PROGRAM", "iTerm.app")];

#[test]
fn the_hook_is_silent_where_nobody_could_use_a_session() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        let mut shell = bench.shell(kind);
        check(&mut shell, &[("cd one", &["enter -- one"]), ("cd ..", &[])]);
        for (name, value) in SILENT.into_iter().chain(HARMLESS) {
            shell.set(name, value);
            let calls = shell.run("cd one");
            let is_silent = !HARMLESS.contains(&(name, value));
            assert_eq!(calls.is_empty(), is_silent, "{kind:?}: {name}={value}");
            assert_eq!(shell.run("cd below"), [""; 0], "{kind:?}: {name}={value}");
            shell.send_line("cd ../..");
            match name {
                "TERM" => shell.set(name, "xterm-256color"),
                _ => shell.unset(name),
            }
        }
    }
}

#[test]
fn the_hook_is_silent_without_a_terminal() {
    let lines: &[(&str, &[&str])] = &[
        ("exec 3>&1 >/dev/null", &[]),
        ("cd one", &[]),
        ("exec >&3; cd ..", &[]),
        ("cd one", &["enter -- one"]),
    ];
    in_each(&Kind::POSIX, lines);
}

#[test]
fn the_status_of_the_users_command_survives() {
    let bench = Bench::new();
    let fails = "cd broken; sh -c 'exit 7'";
    for kind in Kind::ALL {
        let (status, pipe, statuses) = match kind {
            Kind::Bash => ("$?", "(exit 3) | true", "${PIPESTATUS[*]}"),
            Kind::Zsh => ("$?", "(exit 3) | true", "$pipestatus"),
            Kind::Fish => ("$status", "sh -c 'exit 3' | true", "$pipestatus"),
            Kind::Nu => ("$env.LAST_EXIT_CODE", "^true", "3 $env.LAST_EXIT_CODE"),
        };
        let mut shell = bench.shell(kind);
        check(&mut shell, &[(fails, &["enter -- broken"])]);
        check(&mut shell, &[(&kind.call(status), &["7"])]);
        check(&mut shell, &[(&format!("cd ../one; {pipe}"), &["enter -- one"])]);
        check(&mut shell, &[(&kind.call(statuses), &["3 0"])]);
    }
}

#[test]
fn what_stands_behind_the_hook_sees_the_status_too() {
    let bench = Bench::new();
    let mut shell = bench.shell_with(Kind::Bash, "", "PROMPT_COMMAND+='; seen=$?'");
    shell.send_line("cd broken; (exit 7)");
    assert_eq!(shell.run("agent-session $seen"), ["enter -- broken", "7"]);
}

#[test]
fn a_failure_is_not_repeated() {
    in_each(
        &Kind::ALL,
        &[
            ("cd broken", &["enter -- broken"]),
            ("cd below", &[]),
            ("cd ../..", &[]),
            ("cd broken", &["enter --again -- broken"]),
        ],
    );
}

#[test]
fn a_program_that_is_gone_leaves_the_prompt() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        let mut shell = bench.shell(kind);
        let (gone, back) = match kind {
            Kind::Nu => ("let p = $env.PATH; $env.PATH = []", "$env.PATH = $p"),
            Kind::Fish => ("set p $PATH; set PATH", "set PATH $p"),
            Kind::Bash | Kind::Zsh => ("p=$PATH; PATH=/nowhere", "PATH=$p"),
        };
        check(&mut shell, &[(gone, &[]), ("cd one", &[]), ("cd below", &[]), (back, &[])]);
        check(&mut shell, &[("cd ../..", &[]), ("cd two", &["enter -- two"])]);
    }
}

#[test]
fn an_interrupt_during_a_slow_start_brings_the_prompt_back() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        let mut shell = bench.shell(kind);
        let prompts = shell.prompts();
        shell.terminal.send("cd slow\r");
        shell.terminal.wait_for("slowly");
        shell.terminal.send("\x03");
        shell.wait_for_prompt(prompts + 1);
        assert_eq!(bench.calls(), ["enter -- slow"], "{kind:?}");
        let lines: &[(&str, &[&str])] =
            &[("cd below", &[]), ("cd ../..", &[]), ("cd one", &["enter -- one"])];
        check(&mut shell, lines);
    }
}

#[test]
fn an_alias_or_function_of_the_programs_name_is_not_called() {
    let bench = Bench::new();
    for kind in Kind::POSIX {
        let before = "alias agent-session=false command=false builtin=false set=false return=false";
        let after = "unalias -a; agent-session() { false; }";
        let before = format!("{}\n{before}", kind.hook_line());
        let mut shell = bench.shell_with(kind, &before, after);
        check(&mut shell, &[("cd one", &["enter -- one"])]);
    }
    let mut shell = bench.shell_with(Kind::Fish, "", "function agent-session; false; end");
    check(&mut shell, &[("cd one", &["enter -- one"])]);
    let mut shell = bench.shell_with(Kind::Nu, "", "def agent-session [...rest] { }");
    check(&mut shell, &[("cd one", &["enter -- one"])]);
}

#[test]
fn options_of_the_users_own_change_nothing() {
    let bench = Bench::new();
    let lines: &[(&str, &[&str])] = &[
        ("cd one", &["enter -- one"]),
        ("cd ../ONE", &[]),
        ("cd ../one", &["enter --again -- one"]),
        ("! true", &[]),
        ("agent-session mark", &["mark"]),
    ];
    bench.env.mkdir("project/ONE");
    let bash = "shopt -s nocasematch nullglob failglob extglob; set -euf; IFS=eo-/; set -o posix";
    let zsh = "setopt kshArrays shWordSplit noUnset globSubst warnCreateGlobal warnNestedVar \
               errExit extendedGlob noRcs cshNullGlob allExport; IFS=eo-/";
    for (kind, options) in [(Kind::Bash, bash), (Kind::Zsh, zsh)] {
        let mut shell = bench.shell_with(kind, "", options);
        check(&mut shell, lines);
        assert!(!shell.terminal.text().contains("agent_session"), "{}", shell.terminal.text());
    }
}

#[test]
fn nothing_leaks_into_the_environment() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        let after = match kind {
            Kind::Bash => "export PROMPT_COMMAND; set -a",
            Kind::Zsh => "setopt allExport",
            Kind::Fish | Kind::Nu => "",
        };
        let mut shell = bench.shell_with(kind, "", after);
        shell.send_line("cd one");
        shell.send_line("sh -c 'env >../environment'");
        let environment = fs::read_to_string(bench.env.path("project/environment")).unwrap();
        let leaks = environment.lines().filter(|line| line.starts_with("__agent_session"));
        assert_eq!(leaks.collect::<Vec<_>>(), [""; 0], "{kind:?}");
        bench.calls();
        if kind == Kind::Bash {
            check(
                &mut shell,
                &[("bash --norc -ic 'eval \"$PROMPT_COMMAND\"; agent-session $?'", &["0"])],
            );
        }
    }
}

#[test]
fn nushell_gets_the_commands_with_the_hook() {
    let bench = Bench::new();
    let mut shell = bench.shell(Kind::Nu);
    shell.send_line("scope commands | where name == 'agent-session start' | get category.0");
    assert!(shell.terminal.lines().iter().any(|line| line == "agent-session"));
    // What the module keeps to itself stays there.
    assert_eq!(shell.run("^agent-session (scope commands | where name == json | length)"), ["0"]);
}

#[test]
fn reading_the_hook_again_installs_it_once() {
    let bench = Bench::new();
    for kind in Kind::ALL {
        let mut shell = bench.shell_with(kind, kind.hook_line(), kind.hook_line());
        check(&mut shell, &[("cd one", &["enter -- one"]), ("cd ..", &[])]);
        let again = match kind {
            Kind::Nu => "source ~/.config/nushell/hook.nu",
            _ => kind.hook_line(),
        };
        check(&mut shell, &[(again, &[]), ("cd one", &["enter --again -- one"])]);
        let count = match kind {
            Kind::Bash => "set -- ${PROMPT_COMMAND[@]}; agent-session $#",
            Kind::Zsh => "agent-session $(($#chpwd_functions + $#precmd_functions))",
            Kind::Fish => {
                "agent-session (functions --handlers | string match '*__agent_session*' | count)"
            }
            Kind::Nu => "^agent-session ($env.config.hooks.env_change.PWD | length)",
        };
        check(&mut shell, &[(count, &["1"])]);
    }
}

/// The forms that PROMPT_COMMAND comes in; whether it is an array, and what it counts to.
const PROMPT_COMMANDS: [(&str, &str, &str); 8] = [
    ("unset PROMPT_COMMAND", "", ""),
    ("PROMPT_COMMAND='count=$((count + 1))'", "", "3"),
    ("PROMPT_COMMAND='count=$((count + 1)); '", "", "3"),
    ("PROMPT_COMMAND='count=$((count + 1)) # why'", "", "3"),
    ("PROMPT_COMMAND=('count=$((count + 1))' 'other=1')", "a", "3"),
    ("PROMPT_COMMAND=('' 'count=$((count + 1))')", "a", "3"),
    ("declare -a PROMPT_COMMAND=()", "a", ""),
    // As VS Code's integration has it, in its own terminal or not.
    ("saved=PROMPT; vsc() { count=$((count + 1)); }; PROMPT_COMMAND=vsc", "", "3"),
];

#[test]
fn prompt_command_keeps_its_form_and_what_is_in_it() {
    let bench = Bench::new();
    for (form, attributes, count) in PROMPT_COMMANDS {
        let mut shell = bench.shell_with(Kind::Bash, form, "");
        check(&mut shell, &[("cd one", &["enter -- one"]), ("cd ..", &[])]);
        let calls = shell.run("cd two; agent-session \"$count\"");
        assert_eq!(calls, [count, "enter -- two"], "{form}");
        let calls = shell.run("agent-session \"${PROMPT_COMMAND@a}\"");
        assert_eq!(calls, [attributes], "{form}");
    }
}

#[test]
fn a_terminal_that_the_program_leaves_raw_is_given_back() {
    let bench = Bench::new();
    bench.env.fake(
        "agent-session",
        "#!/bin/sh\n[ \"$1\" != init ] || exec \"$REAL\" \"$@\"\nstty raw -echo\nkill -KILL $$\n",
    );
    // zsh and Nushell go on with the modes that any program left behind.
    for kind in [Kind::Bash, Kind::Fish] {
        let mut shell = bench.shell(kind);
        shell.send_line("cd one");
        shell.send_line("sh -c 'stty -a >../modes'");
        let modes = fs::read_to_string(bench.env.path("project/modes")).unwrap();
        for mode in [" icanon", " echo ", " opost", " icrnl", "isig"] {
            assert!(modes.replace('\n', " ").contains(mode), "{kind:?}: {mode}: {modes}");
        }
        fs::remove_file(bench.env.path("project/modes")).unwrap();
    }
}
