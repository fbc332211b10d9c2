//! `start` and `restart`: every state, every way to ask.

use serde_json::json;

use crate::support::{TestEnv, eventually, recorder};

#[test]
fn a_session_is_created_found_stopped_and_brought_back() {
    let env = TestEnv::new();
    let made = env.json(&["start", "--detach", "--agent", "shell"]);
    assert_eq!(made["name"], "default");
    assert_eq!(made["status"], "running");
    let again = env.json(&["start", "-d"]);
    assert_eq!(again["container_id"], made["container_id"]);
    assert_eq!(env.json(&["stop"])["status"], "stopped");
    let back = env.json(&["restart", "-d"]);
    assert_eq!(
        (&back["status"], &back["container_id"]),
        (&"running".into(), &made["container_id"])
    );
}

#[test]
fn a_terminal_attaches_leaves_and_comes_back_to_the_same_screen() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    let mut terminal = env.terminal("agent-session", &["start"]);
    terminal.wait_for("/workspace>");
    terminal.send("echo one two\r");
    terminal.wait_for("\none two");
    terminal.send("\x0fd");
    assert_eq!(terminal.exit_code(), 0);
    let back = env.terminal("agent-session", &["start"]);
    back.wait_for("\none two");
}

#[test]
fn every_way_to_ask_for_a_running_session_again_finds_it() {
    let env = TestEnv::new();
    let made = env.json(&["start", "-a", "shell", "-e", "A=1", ".", "--", "-i"]);
    for args in [
        &["start"][..],
        &["start", "-a", "shell"],
        &["start", "../project", "."],
        &["start", "-e", "A=1", "--", "-i"],
        &["restart"],
    ] {
        assert_eq!(env.json(args)["container_id"], made["container_id"], "{args:?}");
    }
}

#[test]
fn without_a_terminal_start_and_restart_detach_and_say_so_and_with_d_they_do_not() {
    let env = TestEnv::new();
    let says = |args: &[&str]| {
        env.ok(args)
            .stderr
            .contains("no terminal to attach: session 'default' runs in the background")
    };
    assert!(says(&["start", "-a", "shell"]));
    assert!(says(&["restart"]));
    assert!(!says(&["start", "-d"]));
    assert!(!says(&["restart", "-d"]));
}

#[test]
fn another_agent_than_the_sessions_is_refused() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    let error = env.fails(&["start", "-a", "claude"], "session_agent_differs", 4);
    assert_eq!(error["message"], "session 'default' runs the agent 'shell', not 'claude'");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("-n OTHER") && hint.contains("agent-session rm default"), "{hint}");
}

#[test]
fn other_paths_than_the_sessions_are_refused_with_both_shown() {
    let env = TestEnv::new();
    let other = env.mkdir("other dir");
    let other = other.to_str().unwrap();
    let project = env.project();
    let project = project.to_str().unwrap();
    env.ok(&["start", "-d", "-a", "shell"]);
    for paths in [&["start", other][..], &["start", project, other], &["start", other, project]] {
        let error = env.fails(paths, "session_mounts_differ", 4);
        let lines: Vec<_> = error["message"].as_str().unwrap().lines().collect();
        assert_eq!(lines[1], format!("  it has:    {project}"));
        assert!(lines[2].contains(&format!("'{other}'")), "{error}");
    }
    env.fails(&["start", "--mount", other], "session_mounts_differ", 4);
}

#[test]
fn other_arguments_or_variables_than_the_sessions_are_refused() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell", "-e", "A=1", "--", "-i"]);
    for args in [
        &["start", "--", "y"][..],
        &["start", "--", "-i", ""],
        &["start", "-e", "A=2"],
        &["start", "-e", "B=1"],
    ] {
        let error = env.fails(args, "session_settings_differ", 4);
        assert!(error["message"].as_str().unwrap().contains("fixed"), "{error}");
    }
}

#[test]
fn a_return_from_another_directory_says_what_is_mounted() {
    let env = TestEnv::new();
    let below = env.mkdir("project/below");
    let beside = env.mkdir("beside");
    env.ok(&["start", "-d", "-a", "shell"]);
    let note = |directory: &std::path::Path| {
        let mut start = env.command("agent-session", &["start", "-d"]);
        start.current_dir(directory);
        let output = env.finish(start);
        assert_eq!(output.code, 0);
        output.stderr
    };
    assert_eq!(note(&below), "");
    let project = env.project();
    let expected = format!(
        "agent-session: session 'default' has {} mounted, not the current directory\n",
        project.display()
    );
    assert_eq!(note(&beside), expected);
}

const WORDS: [&str; 8] =
    ["plain", "with space", "\"double\"", "it's", "two\nlines", "", "$HOME `x` \\", "-ünï ✓"];

#[test]
fn arguments_reach_the_agent_as_they_are_at_each_start() {
    let env = TestEnv::new();
    env.record_shell("");
    env.ok(&[&["start", "-d", "-a", "shell", "--"][..], &WORDS].concat());
    let expected = json!([&["new"][..], &WORDS].concat());
    assert_eq!(env.recorded("default", 1)[0], expected);
    env.ok(&["stop"]);
    env.ok(&["start", "-d"]);
    assert_eq!(env.recorded("default", 2)[1], expected);
}

#[test]
fn an_agent_that_can_resume_does_so_from_its_second_start_on_with_the_same_arguments() {
    let env = TestEnv::new();
    env.record_shell(&format!("resume = {}", recorder("resumed")));
    env.ok(&["start", "-d", "-a", "shell", "--", "a b"]);
    env.recorded("default", 1);
    env.ok(&["stop"]);
    env.ok(&["restart", "-d"]);
    assert_eq!(env.recorded("default", 2), [json!(["new", "a b"]), json!(["resumed", "a b"])]);
}

#[test]
fn an_agent_resumes_only_where_its_conversation_is() {
    let env = TestEnv::new();
    env.record_shell(&format!("resume = {}\nresume_when = '.talks/*/*.json'", recorder("resumed")));
    env.ok(&["start", "-d", "-a", "shell"]);
    env.recorded("default", 1);
    let again = |count: usize| {
        env.ok(&["stop"]);
        env.ok(&["start", "-d"]);
        env.recorded("default", count).pop().unwrap()
    };
    assert_eq!(again(2), json!(["new"]));
    env.inside("default", "mkdir -p ~/.talks/x && touch ~/.talks/x/1.json");
    assert_eq!(again(3), json!(["resumed"]));
}

#[test]
fn variables_are_set_inside_or_passed_on_from_the_host() {
    let mut env = TestEnv::new();
    env.set("FROM_HOST", "its 'value', with=everything ✓");
    let args = ["start", "-d", "-a", "shell", "-e", "SET=a=b, \"c\" $d", "--env", "FROM_HOST"];
    env.ok(&[&args[..], &["-e", "EMPTY="]].concat());
    assert_eq!(
        env.inside("default", "printf '%s|%s|%s' \"$SET\" \"$FROM_HOST\" \"${EMPTY-unset}\""),
        "a=b, \"c\" $d|its 'value', with=everything ✓|"
    );
}

#[test]
fn nothing_else_of_the_hosts_environment_gets_inside() {
    let mut env = TestEnv::new();
    for name in
        ["AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "http_proxy", "XDG_DATA_HOME", "CONTAINERX"]
    {
        env.set(name, "http://leak.invalid");
    }
    env.ok(&["start", "-d", "-a", "shell"]);
    let all = "cat /proc/[0-9]*/environ | tr '\\0' '\\n'";
    let seen = env.inside("default", all);
    assert!(!seen.contains("leak.invalid"), "{seen}");
    assert!(seen.contains("AGENT_SESSION=default"));
}

#[test]
fn a_zellij_that_was_killed_comes_back_with_the_next_start() {
    let env = TestEnv::new();
    env.record_shell(&format!("resume = {}", recorder("resumed")));
    env.ok(&["start", "-d", "-a", "shell"]);
    env.recorded("default", 1);
    let server = env.inside("default", "pgrep zellij");
    env.inside("default", "kill -KILL $(pgrep zellij)");
    env.ok(&["start", "-d"]);
    assert_ne!(env.inside("default", "pgrep zellij"), server);
    assert_eq!(env.recorded("default", 2)[1], json!(["resumed"]));
}

#[test]
fn a_zellij_whose_socket_was_deleted_is_replaced() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    let server = env.inside("default", "pgrep zellij");
    env.inside("default", "rm -rf /tmp/*");
    env.ok(&["start", "-d"]);
    let now = env.inside("default", "pgrep zellij");
    assert!(now != server && !now.contains('\n'), "{server} {now}");
}

#[test]
fn where_the_agent_ends_its_pane_is_a_shell_that_says_how_to_bring_it_back() {
    let env = TestEnv::new();
    env.replace_shell("command = ['sh', '-c', 'exit 7']");
    env.ok(&["start", "-d", "-a", "shell"]);
    let screen = "zellij --session default action dump-screen --pane-id terminal_0";
    let words = "sh ended with status 7. Type \"agent\" to bring it back";
    eventually("the pane says so", || env.inside("default", screen).contains(words));
    assert_eq!(env.inside("default", "pgrep --count fish"), "1");
}

#[test]
fn an_agent_that_does_not_exist_leaves_a_usable_session() {
    let env = TestEnv::new();
    env.replace_shell("command = ['no-such-program']");
    assert_eq!(env.json(&["start", "-a", "shell"])["status"], "running");
    let screen = "zellij --session default action dump-screen --pane-id terminal_0";
    eventually("the pane says so", || {
        env.inside("default", screen).contains("no-such-program ended with status 127")
    });
}

#[test]
fn a_start_that_podman_refuses_leaves_nothing_behind() {
    let mut env = TestEnv::new();
    env.replace_shell("command = ['fish']\n[[credentials]]\nenv = 'SOME_KEY'");
    env.set("SOME_KEY", "x");
    env.podman_with("case \" $* \" in *' run '*) echo no room >&2; exit 125;; esac");
    let error = env.fails(&["start", "-a", "shell"], "podman_failed", 1);
    assert_eq!(error["message"], "podman run failed: no room");
    env.real("podman");
    assert_eq!(env.json(&["ls"]), json!([]));
    assert_eq!(
        (env.podman(&["volume", "ls", "-q"]), env.podman(&["secret", "ls", "-q"])),
        Default::default()
    );
}

#[test]
fn without_an_agent_claude_is_meant_where_nobody_can_be_asked() {
    let env = TestEnv::new();
    assert_eq!(env.json(&["start"])["agent"], "claude");
}

#[test]
fn a_missing_image_is_refused_with_the_command_to_type_and_changes_nothing() {
    let env = TestEnv::new();
    env.agent("tiny", "command = ['true']", "FROM localhost/agent-session-base\n");
    let error = env.fails(&["start", "-a", "tiny"], "image_not_built", 4);
    assert_eq!(error["hint"], "agent-session build tiny");
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn yes_builds_a_missing_image_and_goes_on() {
    let env = TestEnv::new();
    env.agent("tiny", "command = ['fish']", "FROM localhost/agent-session-base\n");
    let made = env.json(&["start", "-y", "-a", "tiny"]);
    assert_eq!((&made["agent"], &made["status"]), (&json!("tiny"), &json!("running")));
}

#[test]
fn a_session_keeps_its_image_until_it_is_made_anew_and_says_that_it_is_outdated() {
    let env = TestEnv::new();
    env.agent("tiny", "command = ['fish']", "FROM localhost/agent-session-base\n");
    let made = env.json(&["start", "-y", "-a", "tiny"]);
    env.agent("tiny", "command = ['fish']", "FROM localhost/agent-session-base\nENV NEW=1\n");
    env.ok(&["build", "tiny"]);
    let now = env.json(&["start"]);
    assert_eq!((&now["outdated"], &now["image_id"]), (&json!(true), &made["image_id"]));
    env.podman(&["rm", "--force", "--time=0", "agent-session-default"]);
    let anew = env.json(&["start"]);
    assert_eq!(anew["outdated"], false);
    assert_eq!(env.inside("default", "echo $NEW"), "1");
}

#[test]
fn a_key_becomes_a_secret_that_only_the_agent_has() {
    let mut env = TestEnv::new();
    let command =
        "command = ['bash', '-c', 'printf %s \"$SOME_KEY\" >~/seen; exec sleep infinity']";
    env.replace_shell(&format!("{command}\n[[credentials]]\nenv = 'SOME_KEY'"));
    env.set("SOME_KEY", "sk-very secret\nkey");
    env.ok(&["start", "-d", "-a", "shell"]);
    eventually("the agent has it", || {
        env.inside("default", "cat ~/seen 2>/dev/null || true") == "sk-very secret\nkey"
    });
    assert_eq!(env.inside("default", "echo \"${SOME_KEY-none}\""), "none");
    assert!(!env.podman(&["container", "inspect", "agent-session-default"]).contains("sk-very"));
    assert!(!env.podman(&["volume", "inspect", "agent-session-default"]).contains("sk-very"));
}

#[test]
fn names_that_podman_could_misread_are_refused_and_odd_valid_ones_work() {
    let env = TestEnv::new();
    for name in ["", "-a", ".a", "a b", "a/b", "../a", "a\n", "ä", &"x".repeat(64), "a,b", "$(x)"]
    {
        env.fails(&["start", "-a", "shell", &format!("--name={name}")], "invalid_name", 2);
    }
    for name in ["A.b_c-", &"x".repeat(63)] {
        assert_eq!(env.json(&["start", "-a", "shell", "-n", name])["name"], name);
        assert_eq!(env.json(&["restart", name])["status"], "running");
    }
}
