//! What `doctor` says and asks, what it says in the place of a command that fails, and what it knows of shells.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::patient::Patient;

#[test]
fn a_mend_is_agreed_to_one_by_one() {
    let machine = Patient::of_root();
    let key = |name: &str, text: &str| {
        let file = machine.env.write(name, text);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        file
    };
    let first = key("home/.claude.json", "{\"apiKey\": \"k\"}");
    machine.as_root("mount --make-rprivate /");
    let mode = || fs::metadata(&first).unwrap().permissions().mode() & 0o777;

    let error = machine.env.fails(&["doctor", "--fix"], "confirmation_required", 6);
    assert_eq!(error["hint"], "agent-session doctor --fix --yes");
    assert_eq!(error["causes"][0], "root_mount: mount --make-rshared /");
    machine.env.fails(&["doctor", "--yes"], "usage", 2);
    assert_eq!(mode(), 0o644);

    let mut terminal = machine.env.terminal("agent-session", &["doctor", "--fix"]);
    terminal.wait_for("root_mount: mount --make-rshared /\nRun it? [y/N] ");
    terminal.send("n\r");
    terminal.wait(" the second question", |text| {
        text.contains("credentials: chmod 600") && text.matches("Run it? [y/N]").count() == 2
    });
    terminal.send("y\r");
    terminal.wait_for("0 failed, 1 to be warned of. Next: agent-session doctor --fix");
    assert_eq!((terminal.exit_code(), mode()), (0, 0o600));
    machine.finds("root_mount", "warning");
}

#[test]
fn a_mend_that_fails_is_told_with_its_words() {
    let machine = Patient::of_user();
    machine.as_root("mount --make-rprivate /");
    machine.env.fake("sudo", "#!/bin/sh\necho first >&2\necho 'no \x1b[31mpassword' >&2\nexit 1\n");
    let error = machine.env.fails(&["doctor", "--fix", "--yes"], "mend_failed", 1);
    assert_eq!(error["hint"], "sudo mount --make-rshared /");
    assert_eq!(error["causes"][0], "first");
    let words = machine.env.run(&["doctor", "--fix", "--yes"]).stderr;
    assert!(
        words.contains("'sudo mount --make-rshared /' failed") && !words.contains('\x1b'),
        "{words:?}"
    );
}

#[test]
fn a_build_that_podman_fails_tells_why() {
    let machine = Patient::limited();
    let steps = "FROM localhost/agent-session-base\nRUN echo >/home/agent/new\n";
    machine.env.agent("tiny", "command = ['fish']", steps);
    let error = machine.env.fails(&["build", "tiny"], "ulimits", 5);
    assert!(error["hint"].as_str().unwrap().contains("agent-session-ulimits.conf"), "{error}");
    assert!(error["causes"].to_string().contains("rlimit"), "{error}");
}

#[test]
fn a_start_that_podman_fails_tells_why() {
    let machine = Patient::limited();
    let start = ["start", "--detach", "--agent", "shell"];
    let error = machine.env.fails(&start, "ulimits", 5);
    assert_eq!(
        error["message"],
        "a container starts with lower limits only: podman's default limits are above what this user may set"
    );
    assert!(error["hint"].as_str().unwrap().contains("agent-session-ulimits.conf"), "{error}");
    assert!(error["causes"].to_string().contains("rlimit"), "{error}");
    machine.doctor(&["--fix", "--yes"]);
    assert_eq!(machine.env.json(&start)["status"], "running");
}

#[test]
fn a_start_that_fails_for_no_reason_of_the_machines_keeps_podmans_words() {
    let machine = Patient::of_root();
    machine
        .env
        .podman_with("case \"$*\" in 'run --detach '*) echo Error: whim >&2; exit 125;; esac");
    let error = machine.env.fails(&["start", "--detach", "--agent", "shell"], "podman_failed", 1);
    assert!(error["message"].as_str().unwrap().contains("whim"), "{error}");
}

#[test]
fn the_table_is_short_coloured_and_ends_with_what_to_type() {
    let machine = Patient::of_root();
    let mut terminal = machine.env.terminal_of("agent-session", &["doctor"], 100, 60);
    terminal.wait_for("All is well. Next: agent-session start");
    assert_eq!(terminal.exit_code(), 0);
    assert!(String::from_utf8_lossy(&terminal.raw()).contains("\x1b[32mok"));
    assert!(terminal.lines().len() <= 30, "{}", terminal.text());
    assert!(!machine.env.ok(&["doctor"]).stdout.contains('\x1b'));

    machine.env.write("home/.claude.json", "{");
    machine.as_root("mount --make-rprivate /");
    let text = machine.env.ok(&["doctor"]).stdout;
    assert!(
        text.ends_with("0 failed, 2 to be warned of. Next: agent-session doctor --fix\n"),
        "{text}"
    );
}

#[test]
fn nothing_from_outside_reaches_the_terminal_raw() {
    let mut machine = Patient::of_root();
    machine.env.set("HOME", machine.env.mkdir("evil\x1b]0;x\x07").to_str().unwrap());
    machine.env.write("evil\x1b]0;x\x07/.claude.json", "{");
    let text = machine.env.ok(&["doctor"]).stdout;
    assert!(text.contains("warning  credentials") && !text.contains(['\x1b', '\x07']), "{text:?}");
}

#[test]
fn what_a_shell_knows_is_noted() {
    let mut machine = Patient::of_root();
    machine.env.set("SHELL", "/bin/bash");
    let fix = machine.finds("shell_hook", "note")["fix"].as_str().unwrap().to_owned();
    assert!(machine.finds("completions", "note")["meaning"].as_str().unwrap().contains("Tab"));
    // What is to be typed is typed.
    assert_eq!(machine.env.finish(machine.env.command("bash", &["-c", &fix])).code, 0);
    machine.finds("shell_hook", "ok");
    machine.env.write("home/.local/share/bash-completion/completions/agent-session", "");
    machine.finds("completions", "ok");
}

#[test]
fn nushells_plugin_is_of_nushells_version() {
    let machine = Patient::of_root();
    machine.env.fake("nu", "#!/bin/sh\necho 0.115.1\n");
    let has_plugin = machine.finds("nushell_plugin", "note");
    assert!(has_plugin["found"].as_str().unwrap().ends_with("is not installed"));
    machine.env.fake("nu_plugin_agent_session", "#!/bin/sh\n");
    machine.finds("nushell_plugin", "ok");
    machine.env.fake("nu", "#!/bin/sh\necho 0.114.0\n");
    let found = machine.finds("nushell_plugin", "warning");
    assert_eq!(found["found"], "nu is 0.114.0, the plugin is built for 0.115");
}
