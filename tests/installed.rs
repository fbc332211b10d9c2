//! What `shell/install.sh` leaves in a home, in every shell's files; and nothing once it was told to
//! take out what it put in.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::scratch::{Scratch, find, finish};

const BEGIN: &str = "# >>> agent-session >>>\n";
const END: &str = "# <<< agent-session <<<\n";

/// A home with a startup file that ends as `end` says.
fn with_bashrc(text: &str) -> Scratch {
    let scratch = Scratch::ready();
    fs::write(scratch.home(".bashrc"), text).unwrap();
    scratch
}

#[test]
fn every_sh_installs_takes_out_and_leaves_nothing() {
    for interpreter in [&["dash"][..], &["bash", "--posix"], &["bash"], &["busybox", "sh"]] {
        for text in ["alias a=b\n", "alias a=b", ""] {
            let mut scratch = with_bashrc(text);
            scratch.interpreter = interpreter.to_vec();
            let before = scratch.contents();
            let output = scratch.ok(&["--yes"]);
            assert!(scratch.home(".cargo/bin/agent-session").exists(), "{output:?}");
            assert_eq!(scratch.read(".bashrc").matches(BEGIN).count(), 1);
            assert_eq!(scratch.read(".bashrc.before-agent-session"), text);
            scratch.ok(&["--yes", "--uninstall"]);
            assert_eq!(scratch.contents(), before, "{interpreter:?} {text:?}");
        }
    }
}

#[test]
fn a_second_run_changes_no_contents() {
    let scratch = with_bashrc("alias a=b\n");
    scratch.ok(&["--yes"]);
    let before = scratch.contents();
    let output = scratch.ok(&[]);
    assert_eq!(scratch.contents(), before);
    assert!(!output.stdout.contains("[Y/n]"), "{output:?}");
}

#[test]
fn a_dry_run_names_every_step_and_touches_nothing() {
    let scratch = with_bashrc("alias a=b\n");
    let before = scratch.files();
    let output = scratch.ok(&["--dry-run"]);
    for part in ["cargo install", "these lines go into", "Starting a session", "start -a shell -y"]
    {
        assert!(output.stdout.contains(part), "{part}: {output:?}");
    }
    assert_eq!(scratch.files(), before);
    assert!(
        scratch.calls().iter().all(|call| !call.contains("install")),
        "something was installed"
    );
    scratch.ok(&["--yes"]);
    let before = scratch.files();
    let output = scratch.ok(&["--dry-run", "--uninstall"]);
    assert!(output.stdout.contains("cargo uninstall"), "{output:?}");
    assert_eq!(scratch.files(), before);
}

#[test]
fn every_shell_gets_its_lines_and_its_own_program_can_read_them() {
    let nu = crate::support::var("AGENT_SESSION_TEST_NU");
    for (shell, file, check) in [
        ("/bin/bash", ".bashrc", &["bash", "-c", ". \"$0\"; command -v agent-session"][..]),
        ("/usr/bin/zsh", ".zshrc", &["zsh", "-fc", ". \"$0\"; command -v agent-session"]),
        (
            "/usr/bin/fish",
            ".config/fish/config.fish",
            &["fish", "-Nc", "source $argv; command -s agent-session"],
        ),
        ("/usr/bin/nu", ".config/nushell/config.nu", &[&nu, "--no-config-file"]),
    ] {
        let mut scratch = Scratch::ready();
        scratch.shell = shell;
        let before = scratch.contents();
        scratch.ok(&["--yes", "--prefix", "a b"]);
        let startup = scratch.home(file);
        let program = if check[0] == nu { nu.clone().into() } else { find(check[0]) };
        let mut command = Command::new(program);
        command
            .args(&check[1..])
            .env_clear()
            .env("HOME", scratch.path("stubs"))
            .env("PATH", "/usr/bin:/bin");
        if shell.ends_with("/nu") {
            command.args([
                "--commands".into(),
                format!("source '{}'; which agent-session | get path.0", startup.display()),
            ]);
        } else {
            command.arg(&startup);
        }
        let output = finish(command);
        let expected = scratch.home("project/a b/bin/agent-session");
        assert_eq!(output.stdout.trim(), expected.to_str().unwrap(), "{shell}: {output:?}");
        scratch.ok(&["--yes", "--uninstall"]);
        assert_eq!(scratch.contents(), before, "{shell}");
    }
}

#[test]
fn answers_of_no_leave_the_startup_file_alone() {
    let scratch = with_bashrc("alias a=b\n");
    let mut terminal = scratch.terminal(&["--no-start"]);
    terminal.wait_for("Add them? [Y/n]");
    terminal.send("n\r");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.text());
    assert_eq!(scratch.read(".bashrc"), "alias a=b\n");
    assert!(scratch.home(".cargo/bin/agent-session").exists());
}

#[test]
fn packages_that_are_declined_end_it_before_anything_changes() {
    let scratch = Scratch::with("pacman", "exit 1");
    let before = scratch.files();
    let mut terminal = scratch.terminal(&[]);
    terminal.wait_for("Install them with pacman? [Y/n]");
    terminal.send("n\r");
    assert_eq!(terminal.exit_code(), 6);
    let output = scratch.run(&[]);
    assert_eq!(output.code, 6);
    assert!(output.stdout.contains("Nobody is there to ask"), "{output:?}");
    assert_eq!(scratch.files(), before);
}

#[test]
fn an_interruption_at_a_question_says_how_to_go_on() {
    let scratch = with_bashrc("alias a=b\n");
    let mut terminal = scratch.terminal(&[]);
    terminal.wait_for("Add them? [Y/n]");
    terminal.send("\x03");
    assert_eq!(terminal.exit_code(), 130);
    terminal.wait_for_end();
    assert!(terminal.text().contains("next: "), "{}", terminal.text());
    scratch.ok(&["--yes"]);
    assert!(scratch.read(".bashrc").contains(BEGIN));
}

#[test]
fn lines_of_an_older_version_are_replaced_where_they_are() {
    let text = format!("first\n{BEGIN}old\n{END}last\n");
    let scratch = with_bashrc(&text);
    scratch.ok(&["--yes"]);
    let now = scratch.read(".bashrc");
    assert!(now.starts_with("first\nlast\n"), "{now}");
    assert!(!now.contains("old"), "{now}");
    assert_eq!(now.matches(BEGIN).count(), 1);
}

#[test]
fn a_mark_without_its_other_is_left_to_the_user() {
    let text = format!("first\n{BEGIN}mine\n");
    let scratch = with_bashrc(&text);
    let output = scratch.ok(&["--yes"]);
    assert!(output.stdout.contains("left alone"), "{output:?}");
    assert_eq!(scratch.read(".bashrc"), text);
}

#[test]
fn a_startup_file_that_changed_keeps_its_changes_and_its_backup() {
    let scratch = with_bashrc("first\n");
    scratch.ok(&["--yes"]);
    fs::write(scratch.home(".bashrc"), scratch.read(".bashrc") + "mine\n").unwrap();
    let output = scratch.ok(&["--yes", "--uninstall"]);
    assert_eq!(scratch.read(".bashrc"), "first\nmine\n");
    assert!(output.stdout.contains("what it was is in"), "{output:?}");
    assert_eq!(scratch.read(".bashrc.before-agent-session"), "first\n");
}

#[test]
fn a_startup_file_behind_a_symbolic_link_stays_one() {
    let scratch = Scratch::ready();
    fs::create_dir(scratch.home("dotfiles")).unwrap();
    fs::write(scratch.home("dotfiles/bashrc"), "first\n").unwrap();
    symlink("dotfiles/bashrc", scratch.home(".bashrc")).unwrap();
    scratch.ok(&["--yes"]);
    assert!(scratch.read("dotfiles/bashrc").contains(BEGIN));
    scratch.ok(&["--yes", "--uninstall"]);
    assert_eq!(scratch.read("dotfiles/bashrc"), "first\n");
    assert!(scratch.home(".bashrc").is_symlink());
}

#[test]
fn completions_of_somebody_elses_are_left_alone() {
    let scratch = Scratch::ready();
    let file = ".local/share/bash-completion/completions/agent-session";
    fs::create_dir_all(scratch.home(file).parent().unwrap()).unwrap();
    fs::write(scratch.home(file), "mine\n").unwrap();
    scratch.ok(&["--yes"]);
    scratch.ok(&["--yes", "--uninstall"]);
    assert_eq!(scratch.read(file), "mine\n");
}

#[test]
fn other_programs_of_cargos_stay_on_its_list() {
    let scratch = Scratch::ready();
    scratch.ok(&["--yes"]);
    let list = scratch.home(".cargo/.crates.toml");
    scratch.stub("cargo", "/bin/echo '\"other 1.0\" = []' >\"$HOME/.cargo/.crates.toml\"");
    scratch.ok(&["--yes", "--uninstall"]);
    assert_eq!(fs::read_to_string(list).unwrap(), "\"other 1.0\" = []\n");
}

#[test]
fn the_session_gets_the_agent_that_can_log_in() {
    for (file, text, agent) in [
        (".none", "", "shell"),
        (".claude.json", r#"{"apiKey": ""}"#, "shell"),
        (".claude.json", r#"{"apiKey": "sk-ant-1"}"#, "claude"),
        (".local/share/opencode/auth.json", r#"{"x":{"type":"oauth"}}"#, "shell"),
        (".local/share/opencode/auth.json", r#"{"x":{"type":"api","key":"k"}}"#, "opencode"),
    ] {
        let scratch = Scratch::ready();
        fs::create_dir_all(scratch.home(file).parent().unwrap()).unwrap();
        fs::write(scratch.home(file), text).unwrap();
        scratch.ok(&["--yes"]);
        let project = scratch.home("project");
        let started = format!("agent-session start -a {agent} -y {}", project.display());
        assert_eq!(scratch.called("agent-session start"), [started]);
    }
    for (variable, agent) in [("ANTHROPIC_API_KEY", "claude"), ("OPENROUTER_API_KEY", "opencode")] {
        let mut scratch = Scratch::ready();
        scratch.vars.push((variable, "key".into()));
        scratch.ok(&["--yes"]);
        let calls = scratch.called("agent-session start");
        assert!(calls[0].contains(&format!(" -a {agent} ")), "{calls:?}");
    }
}

#[test]
fn a_session_that_exists_is_returned_to() {
    let scratch = Scratch::ready();
    scratch.program("");
    scratch.ok(&["--yes"]);
    assert_eq!(scratch.called("agent-session start"), ["agent-session start"]);
    scratch.ok(&["--yes", "."]);
    let project = scratch.home("project");
    let started = format!("agent-session start {}", project.display());
    assert_eq!(scratch.called("agent-session start"), [started]);
}

#[test]
fn the_home_directory_is_refused_before_anything_is_done() {
    let scratch = Scratch::ready();
    let output = scratch.run(&["--yes", scratch.path("home").to_str().unwrap()]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("whole home directory"), "{output:?}");
    assert_eq!(scratch.calls(), [""; 0]);
}

/// A program with sessions.
fn with_sessions() -> Scratch {
    let scratch = Scratch::ready();
    scratch.program("[ $1 != ls ] || printf 'NAME AGENT\\none shell\\ntwo shell\\n'");
    scratch.stub(
        "podman",
        "case $1 in --version) echo podman version 5.4.2;; images) echo i:l;; esac",
    );
    scratch.ok(&["--yes"]);
    fs::create_dir_all(scratch.home(".cache/agent-session/build")).unwrap();
    scratch.calls();
    scratch
}

#[test]
fn sessions_stay_unless_a_person_says_otherwise() {
    let scratch = with_sessions();
    let output = scratch.ok(&["--uninstall", "--yes"]);
    assert!(output.stdout.contains("sessions: one two"), "{output:?}");
    assert!(output.stdout.contains("they stay, with all that is in them"), "{output:?}");
    let calls = scratch.calls();
    assert!(!calls.iter().any(|call| call.contains(" rm ") || call.contains(" rmi ")), "{calls:?}");
    assert!(scratch.home(".cache/agent-session/build").exists());
    assert!(!scratch.home(".cargo/bin/agent-session").exists());
}

#[test]
fn sessions_images_and_kept_files_go_when_a_person_says_so() {
    let scratch = with_sessions();
    let mut terminal = scratch.terminal(&["--uninstall"]);
    terminal.wait_for("in their homes? [y/N]");
    terminal.send("y\r");
    terminal.wait_for("Remove the images");
    terminal.send("\r");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.text());
    let calls = scratch.calls();
    for call in ["agent-session stop --all", "agent-session rm --force one two", "podman rmi i:l"] {
        assert!(calls.iter().any(|made| made == call), "{call}: {calls:?}");
    }
    assert!(!scratch.home(".cache/agent-session").exists());
}

#[test]
fn sessions_that_cannot_be_listed_stay() {
    let scratch = with_sessions();
    scratch.executable_at("home/.cargo/bin/agent-session", "exit 5");
    let output = scratch.ok(&["--uninstall", "--yes"]);
    assert!(output.stdout.contains("cannot be listed"), "{output:?}");
    assert!(scratch.home(".cache/agent-session/build").exists());
}

#[test]
fn there_is_nothing_to_take_out_of_a_home_that_has_nothing() {
    let scratch = Scratch::ready();
    let before = scratch.files();
    let output = scratch.ok(&["--uninstall", "--yes"]);
    assert!(output.stdout.contains("Nothing that this script put in"), "{output:?}");
    assert_eq!(scratch.files(), before);
}

#[test]
fn a_checkout_that_changes_meanwhile_is_harmless() {
    let mut scratch = Scratch::ready();
    scratch.copy_checkout();
    // It ends in the middle of a word.
    let spoil = format!("start) printf \"'\" >'{}'", scratch.script.display());
    scratch.program(&format!("case $1 in inspect) exit 3;; {spoil};; esac"));
    scratch.ok(&["--yes"]);
    assert_eq!(fs::read_to_string(&scratch.script).unwrap(), "'");
}

/// A machine with a Nushell of this version, and a checkout whose plugin is for 0.115.
fn with_nu(version: &str) -> Scratch {
    let mut scratch = Scratch::ready();
    let checkout = scratch.copy_checkout();
    fs::write(checkout.join("Cargo.toml"), "rust-version = \"1.95\"\nnu = []\n").unwrap();
    let lock = "[[package]]\nname = \"nu-plugin\"\nversion = \"0.115.1\"\n";
    fs::write(checkout.join("Cargo.lock"), lock).unwrap();
    scratch.stub("nu", &format!("[ $1 != --version ] || echo {version}"));
    scratch
}

#[test]
fn the_plugin_for_nushell_is_registered_and_taken_out_of_its_list() {
    let scratch = with_nu("0.115.0");
    scratch.ok(&["--yes"]);
    let plugin = scratch.home(".cargo/bin/nu_plugin_agent_session");
    let calls = scratch.calls();
    let with = "--features nu --bin nu_plugin_agent_session";
    assert!(calls.iter().any(|call| call.starts_with("cargo install") && call.ends_with(with)));
    let added = format!("nu --commands plugin add r#'{}'#", plugin.display());
    assert!(calls.contains(&added), "{calls:?}");
    assert!(scratch.read(".config/nushell/config.nu").contains(BEGIN));
    scratch.ok(&["--yes", "--uninstall"]);
    assert_eq!(scratch.called("nu "), ["nu --commands plugin rm agent_session"]);
    assert!(!scratch.home(".config/nushell").exists());
}

#[test]
fn a_nushell_that_the_plugin_is_not_for_is_told_which_it_is_for() {
    let scratch = with_nu("0.116.0");
    let output = scratch.ok(&["--yes"]);
    assert!(
        output.stdout.contains("the plugin is for nu 0.115, and this is nu 0.116.0"),
        "{output:?}"
    );
    let calls = scratch.calls();
    assert!(!calls.iter().any(|call| call.contains("--features nu --bin")), "{calls:?}");
}

/// From a repository of this checkout's files, under the address that the README.md names.
#[test]
fn the_first_lines_of_the_readme_run_as_they_stand() {
    let (_, block) = include_str!("../README.md").split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let address = block.split_whitespace().nth(2).unwrap();
    let mut scratch = Scratch::ready();
    symlink(find("git"), scratch.path("bin/git")).unwrap();
    let checkout = scratch.copy_checkout();
    for step in ["init", "add --all", "-c user.name=me -c user.email=me@here commit --message=all"]
    {
        let mut git = Command::new("git");
        git.arg("-C").arg(&checkout).args(step.split(' ')).env_clear();
        let output = finish(git);
        assert_eq!(output.code, 0, "{step}: {}", output.stderr);
    }
    scratch.vars.extend([
        ("GIT_CONFIG_COUNT", "1".to_owned()),
        ("GIT_CONFIG_KEY_0", format!("url.{}.insteadOf", checkout.display())),
        ("GIT_CONFIG_VALUE_0", address.to_owned()),
    ]);
    fs::create_dir_all(scratch.home("projects/my-app")).unwrap();
    scratch.script = scratch.path("first-lines");
    fs::write(&scratch.script, block).unwrap();
    let mut terminal = scratch.terminal(&[]);
    // Whatever it asks.
    terminal.send("\r\r\r\r\r\r");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.text());
    let project = scratch.home("projects/my-app");
    let started = scratch.called("agent-session start").pop().unwrap();
    assert!(started.contains(project.to_str().unwrap()), "{started}");
}
