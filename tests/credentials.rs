//! Keys: where they are taken from, what is said of them, and how they come and go with a session.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::support::TestEnv;
use crate::support::real::{Bench, KEY};

const FILE: &str = "home/.claude.json";

fn bench() -> Bench {
    Bench::claude(TestEnv::with_host_network())
}

/// Writes the file that the documentation asks for.
fn write_key(bench: &Bench, key: &str) {
    bench.env.write(FILE, &format!("{{\n  \"apiKey\": \"{key}\"\n}}\n"));
}

/// The key with which Claude Code asks inside.
fn key_inside(bench: &Bench) -> String {
    assert_eq!(bench.ask(&["claude", "-p", "hello"]), "turn 1 echo: hello\n");
    bench.model.wait_for("hello").key
}

#[test]
fn the_key_of_the_documented_file_reaches_the_agent_and_nothing_is_said() {
    let bench = bench();
    write_key(&bench, KEY);
    let said = bench.start().stderr;
    assert!(!said.contains("credentials") && !said.contains(".claude.json"), "{said}");
    assert_eq!(key_inside(&bench), KEY);
}

#[test]
fn a_file_that_others_can_read_is_told_of_with_the_remedy_and_used() {
    let bench = bench();
    write_key(&bench, KEY);
    let file = bench.env.path(FILE);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let said = bench.start().stderr;
    let word = format!("can be read by others: chmod 600 {}", file.display());
    assert_eq!(said.matches(&word).count(), 1, "{said}");
    assert!(!said.contains(KEY), "{said}");
    assert_eq!(key_inside(&bench), KEY);
}

#[test]
fn a_malformed_file_is_told_of_once_with_the_place_and_the_session_starts_all_the_same() {
    let bench = bench();
    let file = bench.env.write(FILE, "{\n  \"apiKey\": oops\n}\n");
    let said = bench.start().stderr;
    let word = format!("{} is not valid JSON (line 2, column ", file.display());
    assert_eq!(said.matches(&word).count(), 1, "{said}");
    assert_eq!(bench.env.json(&["inspect", "real"])["status"], "running");
}

#[test]
fn without_any_key_a_note_says_what_to_set_and_the_session_starts_all_the_same() {
    let bench = bench();
    let said = bench.start().stderr;
    let word = "no credentials for claude: log in inside the session, or set ANTHROPIC_API_KEY";
    assert!(said.contains(word), "{said}");
    assert_eq!(bench.env.json(&["inspect", "real"])["status"], "running");
    assert_eq!(bench.env.podman(&["secret", "ls", "--noheading"]), "");
}

#[test]
fn the_variable_wins_over_the_file() {
    let mut env = TestEnv::with_host_network();
    env.set("ANTHROPIC_API_KEY", KEY);
    let bench = Bench::claude(env);
    write_key(&bench, &KEY.replace("0123456789", "of-the-file"));
    bench.start();
    assert_eq!(key_inside(&bench), KEY);
}

#[test]
fn a_subscriptions_token_does_in_place_of_a_key() {
    let mut env = TestEnv::with_host_network();
    let token = KEY.replace("api03", "oat01");
    env.set("CLAUDE_CODE_OAUTH_TOKEN", &token);
    let bench = Bench::claude(env);
    let said = bench.start().stderr;
    assert!(!said.contains("no credentials"), "{said}");
    assert_eq!(key_inside(&bench), token);
    assert!(!bench.podman_inspect("{{json .}}").contains(&token));
}

#[test]
fn a_key_that_changed_reaches_the_session_at_its_next_start_with_home_and_conversation_kept() {
    let bench = bench();
    write_key(&bench, KEY);
    bench.start();
    let container = bench.podman_inspect("{{.Id}}");
    assert_eq!(key_inside(&bench), KEY);
    bench.inside("echo mine >~/kept");

    // The same key: the same container.
    bench.ok("stop");
    bench.env.ok(&["start", "-d", "-n", "real"]);
    assert_eq!(bench.podman_inspect("{{.Id}}"), container);

    let new = KEY.replace("0123456789", "renewed");
    bench.ok("stop");
    write_key(&bench, &new);
    let said = bench.env.ok(&["start", "-d", "-n", "real"]).stderr;
    assert!(said.contains("session 'real' has new credentials"), "{said}");
    assert!(!said.contains("renewed"), "{said}");
    assert_ne!(bench.podman_inspect("{{.Id}}"), container);
    assert_eq!(bench.ask(&["claude", "-p", "--continue", "again"]), "turn 2 echo: again\n");
    assert_eq!(bench.model.wait_for("again").key, new);
    assert_eq!(bench.inside("cat ~/kept"), "mine");
}

#[test]
fn removing_a_session_removes_its_secrets_and_no_others() {
    let bench = bench();
    write_key(&bench, KEY);
    bench.start();
    let secrets = || bench.env.podman(&["secret", "ls", "--noheading", "--format", "{{.Name}}"]);
    let others = bench.env.write("others", "x");
    let others = others.to_str().unwrap();
    for name in ["agent-session.real.x.ANTHROPIC_API_KEY", "agent-session.realm.KEY", "users-own"] {
        bench.env.podman(&["secret", "create", name, others]);
    }
    assert!(secrets().lines().any(|name| name == "agent-session.real.ANTHROPIC_API_KEY"));
    bench.ok("stop");
    assert_eq!(secrets().lines().count(), 4, "{}", secrets());
    bench.env.ok(&["rm", "-f", "real"]);
    let left = secrets();
    assert_eq!(left.lines().count(), 3, "{left}");
    assert!(!left.contains("agent-session.real.ANTHROPIC_API_KEY"), "{left}");
}
