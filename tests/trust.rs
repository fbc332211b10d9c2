//! `allow` and `deny`: what a project's file may say, and when.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use crate::support::{TestEnv, kill};

const FILE: &str = "project/.agent-session.toml";

/// Writes the project's file.
fn project(env: &TestEnv, text: &str) -> PathBuf {
    env.write(FILE, text)
}

/// What `enter` says.
fn enter(env: &TestEnv) -> String {
    let root = env.project();
    let output = env.run(&["enter", root.to_str().unwrap()]);
    assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{}", output.stderr);
    output.stderr
}

fn is_trusted(env: &TestEnv) -> bool {
    env.json(&["allow", "--dry-run"])["trust"] == "trusted"
}

fn store(env: &TestEnv) -> PathBuf {
    env.path("home/.local/state/agent-session/trust")
}

fn records(env: &TestEnv, kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(store(env)).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|found| found == kind)).collect()
}

#[test]
fn a_project_that_nobody_allowed_gets_one_line_and_no_say() {
    let env = TestEnv::new();
    project(&env, "this is = not TOML [");
    let root = env.project();
    assert_eq!(
        enter(&env),
        format!(
            "agent-session: {} has a project file that is not allowed: agent-session allow\n",
            root.display()
        )
    );
    for command in [&["start"][..], &["stop"], &["restart"], &["rm", "-f"], &["inspect"]] {
        let error = env.fails(command, "project_untrusted", 7);
        let hint = format!("agent-session allow {}", root.display());
        assert_eq!(error["hint"], hint, "{command:?}");
    }
    // Who names a session never depends on the file.
    env.fails(&["stop", "other"], "session_not_found", 3);
    assert!(!store(&env).exists());
}

#[test]
fn allow_shows_everything_before_it_allows() {
    let env = TestEnv::new();
    let other = env.mkdir("other dir");
    project(
        &env,
        "name = 'web'\nagent = 'shell'\npaths = ['../other dir']\nmounts = ['../bin:/tools:ro']\n\
         args = ['--model', 'x y']\nsetup = 'echo \"$HOME\"; touch x'\nauto = 'hint'\n\
         env = { TOKEN = 'geheim', LANG = true }\nlimits = { memory = '512m', pids = 100 }\n",
    );
    let shown = env.ok(&["allow", "--dry-run"]).stdout;
    assert!(!store(&env).exists() && !is_trusted(&env));
    let allowed = env.ok(&["allow"]);
    for line in [
        "Session:         web",
        "Agent:           shell",
        "Agent arguments: --model 'x y'",
        "Setup:           echo \"$HOME\"; touch x",
        "Environment:     LANG TOKEN",
        "Limit:           memory \"512m\"",
        "Limit:           pids 100",
        "Entering:        hint",
        &format!("Mount:           {} -> /workspace/project (rw)", env.project().display()),
        &format!("Mount:           {} -> /workspace/other dir (rw)", other.display()),
        &format!("Mount:           {} -> /tools (ro)", env.path("bin").display()),
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
        assert!(allowed.stderr.contains(&format!("agent-session: {line}\n")), "{line}");
    }
    assert!(!shown.contains("geheim") && !allowed.stderr.contains("geheim"));
    assert!(is_trusted(&env));
    assert_eq!(enter(&env), "agent-session: this project has session 'web': agent-session start\n");
    let report = env.json(&["allow", "--dry-run"]);
    assert_eq!(report["asks"]["environment"], serde_json::json!(["LANG", "TOKEN"]));
    assert_eq!(report["asks"]["limits"]["memory"], "512m");
}

#[test]
fn records_are_private() {
    let env = TestEnv::new();
    project(&env, "auto = 'off'");
    fs::create_dir_all(store(&env)).unwrap();
    fs::set_permissions(store(&env), fs::Permissions::from_mode(0o755)).unwrap();
    env.ok(&["allow"]);
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&store(&env)), 0o700);
    let record = &records(&env, "allowed")[0];
    assert_eq!(mode(record), 0o600);
    assert!(is_trusted(&env));
    // One that others can write to says nothing.
    fs::set_permissions(record, fs::Permissions::from_mode(0o620)).unwrap();
    assert!(!is_trusted(&env));
}

#[test]
fn every_change_asks_again() {
    let env = TestEnv::new();
    let text = "auto = 'off' # x";
    let file = project(&env, text);
    let allow = || {
        env.ok(&["allow"]);
        assert!(is_trusted(&env));
    };
    allow();
    for at in [0, text.len() / 2, text.len() - 1] {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = bytes[at].wrapping_add(1);
        fs::write(&file, &bytes).unwrap();
        let output = env.run(&["enter", env.project().to_str().unwrap()]);
        assert!(output.stderr.contains("is not allowed"), "{at}");
        fs::write(&file, text).unwrap();
        // These bytes, of this file, were allowed.
        assert!(is_trusted(&env));
    }
    // Allowed since, and then as it was before: asked again.
    fs::write(&file, "auto = 'hint'").unwrap();
    allow();
    fs::write(&file, text).unwrap();
    assert!(!is_trusted(&env));
    allow();
    // The same bytes in another file.
    let copy = env.write("project/copy", text);
    fs::rename(&copy, &file).unwrap();
    assert!(!is_trusted(&env));
    allow();
    // The same bytes, through a link.
    fs::rename(&file, &copy).unwrap();
    symlink("copy", &file).unwrap();
    assert!(enter(&env).contains("is not allowed"));
    env.fails(&["allow"], "project_untrusted", 7);
    fs::remove_file(&file).unwrap();
    fs::rename(&copy, &file).unwrap();
    assert!(is_trusted(&env));
    // Another directory under the same name, with a hard link to the same file.
    fs::rename(env.project(), env.path("elsewhere")).unwrap();
    fs::create_dir(env.project()).unwrap();
    fs::hard_link(env.path("elsewhere/.agent-session.toml"), &file).unwrap();
    assert!(!is_trusted(&env));
}

#[test]
fn links_to_a_project_are_the_project() {
    let env = TestEnv::new();
    project(&env, "auto = 'hint'\nname = 'web'");
    env.ok(&["allow"]);
    symlink(env.project(), env.path("link")).unwrap();
    let output = env.run(&["enter", env.path("link").to_str().unwrap()]);
    assert!(output.stderr.contains("session 'web'"), "{}", output.stderr);
    // A neighbour whose path begins alike is somebody else.
    let neighbour = env.write("project-evil/.agent-session.toml", "auto = 'hint'");
    let output = env.run(&["enter", neighbour.parent().unwrap().to_str().unwrap()]);
    assert!(output.stderr.contains("is not allowed"), "{}", output.stderr);
}

#[test]
fn deny_wins_below_its_directory_and_is_silent() {
    let env = TestEnv::new();
    let file = project(&env, "auto = 'hint'");
    env.ok(&["allow"]);
    env.ok(&["deny"]);
    assert_eq!(enter(&env), "");
    fs::write(&file, "name = 'other'").unwrap();
    assert_eq!(enter(&env), "");
    assert!(records(&env, "allowed").is_empty());
    // As if there was no file.
    env.fails(&["stop"], "session_not_found", 3);
    env.ok(&["allow"]);
    assert!(is_trusted(&env));
    // Of the directory above.
    let above = env.path("");
    env.ok(&["deny", above.to_str().unwrap()]);
    assert_eq!(enter(&env), "");
    env.fails(&["allow"], "project_untrusted", 7);
    env.ok(&["allow", above.to_str().unwrap()]);
    assert!(is_trusted(&env));
    // A neighbour's denial is not this one's.
    env.mkdir("proj");
    env.ok(&["deny", env.path("proj").to_str().unwrap()]);
    assert!(is_trusted(&env));
}

#[test]
fn a_corrupt_record_is_none_and_is_kept_aside() {
    let env = TestEnv::new();
    project(&env, "auto = 'hint'");
    for damage in ["", "{", "null", "\0\0\0", "{\"root\":\"/\"}"] {
        env.ok(&["allow"]);
        let record = records(&env, "allowed").pop().unwrap();
        fs::write(&record, damage).unwrap();
        assert!(enter(&env).contains("is not allowed"), "{damage:?}");
        let aside = records(&env, "corrupt").pop().unwrap();
        assert_eq!(fs::read_to_string(&aside).unwrap(), damage);
        fs::remove_file(aside).unwrap();
    }
    // A denial holds, whatever is in its record.
    env.ok(&["deny"]);
    fs::write(&records(&env, "denied")[0], "").unwrap();
    assert_eq!(enter(&env), "");
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_record_or_none() {
    let env = TestEnv::new();
    let file = project(&env, "auto = 'hint'");
    let inode = fs::metadata(&file).unwrap().ino();
    let begin = Instant::now();
    env.ok(&["allow"]);
    let whole = begin.elapsed();
    env.ok(&["deny"]);
    for part in 0..60 {
        let mut allow = env.command("agent-session", &["allow"]);
        let mut child = allow.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < whole * part / 50 {
            std::hint::spin_loop();
        }
        kill("KILL", &child.id().to_string());
        child.wait().unwrap();
        // Trusted or not, but never something in between.
        is_trusted(&env);
        assert!(records(&env, "corrupt").is_empty(), "{part}");
        env.ok(&["deny"]);
        assert_eq!(enter(&env), "");
    }
    assert_eq!(fs::metadata(&file).unwrap().ino(), inode);
    env.ok(&["allow"]);
    assert!(is_trusted(&env));
}

#[test]
fn what_is_no_project_cannot_be_allowed() {
    let env = TestEnv::new();
    let error = env.fails(&["allow"], "project_not_found", 3);
    assert_eq!(error["hint"], "agent-session project init");
    env.fails(&["allow", "/no/such/dir"], "path_not_found", 3);
    fs::create_dir(env.path(FILE)).unwrap();
    env.fails(&["allow"], "project_untrusted", 7);
    fs::remove_dir(env.path(FILE)).unwrap();
    assert_eq!(env.finish(env.command("mkfifo", &[".agent-session.toml"])).code, 0);
    env.fails(&["allow"], "project_untrusted", 7);
    assert!(enter(&env).contains("is not allowed"));
    fs::remove_file(env.path(FILE)).unwrap();
    project(&env, "mounts = ['~/.local']");
    env.mkdir("home/.local/state/agent-session/trust");
    env.fails(&["allow"], "mount_forbidden", 7);
    project(&env, "moounts = []");
    let error = env.fails(&["allow"], "invalid_config", 2);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(".agent-session.toml:1:1: unknown field"), "{message}");
    assert!(message.ends_with("did you mean `mounts`?"), "{message}");
}
