//! What of the host is inside a session, and what never is.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::TestEnv;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a session has mounted: target and mode by source.
fn mounts(session: &Value) -> Vec<(&str, &str, &str)> {
    let all = session["mounts"].as_array().unwrap();
    all.iter()
        .map(|mount| {
            let part = |key: &str| mount[key].as_str().unwrap();
            (part("source"), part("target"), part("mode"))
        })
        .collect()
}

fn git(directory: &Path, args: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(directory).args(["-c", "user.name=x", "-c", "user.email=x@x"]).args(args);
    assert!(git.output().unwrap().status.success(), "git {args:?}");
}

#[test]
fn one_path_is_the_workspace_and_what_is_written_there_belongs_to_the_user() {
    let env = TestEnv::new();
    let app = env.mkdir("app");
    fs::write(app.join("from host"), "hello").unwrap();
    env.ok(&["start", "-d", "-a", "shell", text(&app)]);
    assert_eq!(env.inside("default", "pwd; cat 'from host'; echo made >new"), "/workspace\nhello");
    let made = fs::metadata(app.join("new")).unwrap();
    let mine = fs::metadata(env.path("home")).unwrap();
    assert_eq!((made.uid(), made.gid()), (mine.uid(), mine.gid()));
    assert_eq!(fs::read_to_string(app.join("new")).unwrap(), "made\n");
}

#[test]
fn several_paths_have_a_directory_each_and_the_first_is_the_working_directory() {
    let env = TestEnv::new();
    let sources = ["frontend", "backend", "old/frontend", "older/frontend"].map(|at| env.mkdir(at));
    let mut args = vec!["start", "-n", "fullstack", "-a", "shell"];
    args.extend(sources.iter().map(|path| text(path)));
    let session = env.json(&args);
    assert_eq!(session["project"], text(&sources[0]));
    assert_eq!(
        mounts(&session),
        [
            (text(&sources[0]), "/workspace/frontend", "rw"),
            (text(&sources[1]), "/workspace/backend", "rw"),
            (text(&sources[2]), "/workspace/frontend-2", "rw"),
            (text(&sources[3]), "/workspace/frontend-3", "rw"),
        ]
    );
    let script = "pwd; for d in frontend backend frontend-2 frontend-3; do echo $d >/workspace/$d/name; done";
    assert_eq!(env.inside("fullstack", script), "/workspace/frontend");
    for (source, name) in sources.iter().zip(["frontend", "backend", "frontend-2", "frontend-3"]) {
        assert_eq!(fs::read_to_string(source.join("name")).unwrap().trim(), name);
        assert_eq!(
            fs::metadata(source.join("name")).unwrap().uid(),
            fs::metadata(source).unwrap().uid()
        );
    }
}

#[test]
fn a_directory_named_like_the_number_of_another_gets_a_number_of_its_own() {
    let env = TestEnv::new();
    let sources = ["a/x", "b/x-2", "c/x"].map(|at| env.mkdir(at));
    let mut args = vec!["start", "-a", "shell"];
    args.extend(sources.iter().map(|path| text(path)));
    let session = env.json(&args);
    let targets: Vec<_> = mounts(&session).iter().map(|mount| mount.1).collect();
    assert_eq!(targets, ["/workspace/x", "/workspace/x-2", "/workspace/x-3"]);
}

#[test]
fn a_path_through_a_link_is_mounted_as_what_it_leads_to_and_once() {
    let env = TestEnv::new();
    let real = env.mkdir("real");
    symlink(&real, env.path("link")).unwrap();
    let session = env.json(&["start", "-a", "shell", "../link", "../real", "../link/"]);
    assert_eq!(mounts(&session), [(text(&real), "/workspace", "rw")]);
}

#[test]
fn the_variable_mounts_paths_at_the_same_place_read_only_unless_it_says_rw() {
    let mut env = TestEnv::new();
    let (ro, rw) = (env.mkdir("shared/ro"), env.mkdir("shared/rw"));
    let file = env.write("shared/file", "one file");
    env.set("AGENT_SESSION_MOUNTS", &format!("{}:{}+rw::{}", text(&ro), text(&rw), text(&file)));
    let session = env.json(&["start", "-a", "shell"]);
    assert_eq!(
        mounts(&session)[1..],
        [
            (text(&ro), text(&ro), "ro"),
            (text(&rw), text(&rw), "rw"),
            (text(&file), text(&file), "ro")
        ]
    );
    let script = format!(
        "touch {}/x 2>/dev/null || echo refused; touch {}/x && cat {}",
        ro.display(),
        rw.display(),
        file.display()
    );
    assert_eq!(env.inside("default", &script), "refused\none file");
    assert!(rw.join("x").exists() && !ro.join("x").exists());
}

#[test]
fn a_path_of_the_variables_that_does_not_exist_names_the_variable() {
    for variable in ["AGENT_SESSION_MOUNTS", "AGENT_SESSION_KOB"] {
        let mut env = TestEnv::new();
        let missing = env.path("missing");
        env.set(variable, text(&missing));
        let error = env.fails(&["start", "-a", "shell"], "path_not_found", 3);
        let expected = format!("{variable}: no such path: {}", missing.display());
        assert_eq!(error["message"], expected);
        assert_eq!(error["hint"], format!("unset {variable}"));
    }
}

#[test]
fn a_knowledge_base_is_mounted_where_links_of_the_project_lead() {
    let mut env = TestEnv::new();
    let base = env.mkdir("real/base");
    fs::write(base.join("note"), "known").unwrap();
    symlink(&base, env.path("kob")).unwrap();
    symlink(base.join("note"), env.project().join("note")).unwrap();
    env.set("AGENT_SESSION_KOB", text(&env.path("kob")));
    let session = env.json(&["start", "-a", "shell"]);
    assert_eq!(mounts(&session)[1], (text(&base), text(&base), "rw"));
    assert_eq!(env.inside("default", "cat /workspace/note"), "known");
}

#[test]
fn mount_takes_a_source_a_target_and_a_mode() {
    let env = TestEnv::new();
    let (a, b) = (env.mkdir("a"), env.mkdir("b:c"));
    let at = |form: &str| form.replace("{a}", text(&a)).replace("{b}", text(&b));
    for (index, (form, target, mode)) in [
        ("{a}", text(&a), "rw"),
        ("{a}:ro", text(&a), "ro"),
        ("{a}:rw", text(&a), "rw"),
        ("{a}:/data", "/data", "rw"),
        ("{a}:/data/:ro", "/data", "ro"),
        ("{b}", text(&b), "rw"),
        ("{b}:/opt/x:ro", "/opt/x", "ro"),
        ("../a:/x", "/x", "rw"),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, mount) = (format!("s{index}"), at(form));
        env.podman_with("case \" $* \" in *' run '*) printf '%s\\n' \"$@\" >&2; exit 125;; esac");
        let args = ["start", "-a", "shell", "-n", &name, "--mount", &mount];
        let error = env.fails(&args, "podman_failed", 1);
        let source = if form.contains("{b}") { &b } else { &a };
        let readonly = if mode == "ro" { ",readonly=true" } else { "" };
        let expected =
            format!("--mount=type=bind,\"source={}\",\"target={target}\"{readonly}", text(source));
        let causes = error["causes"].as_array().unwrap();
        assert!(causes.contains(&json!(expected)), "{form}: {causes:#?}");
    }
}

#[test]
fn a_mount_that_is_asked_for_is_there_with_its_mode() {
    let env = TestEnv::new();
    let data = env.mkdir("data, \"x\":y");
    fs::write(data.join("file"), "data").unwrap();
    env.ok(&["start", "-d", "-a", "shell", "--mount", &format!("{}:/data:ro", text(&data))]);
    let script = "cat /data/file; touch /data/x 2>/dev/null || echo refused";
    assert_eq!(env.inside("default", script), "datarefused");
}

#[test]
fn mounts_that_cannot_be_are_refused() {
    let env = TestEnv::new();
    let (a, b) = (env.mkdir("a"), env.mkdir("b"));
    env.mkdir("a:/x");
    let refused = |args: &[&str], code: &str, exit: i32, words: &str| {
        let error = env.fails(&[&["start", "-a", "shell"], args].concat(), code, exit);
        assert!(error["message"].as_str().unwrap().contains(words), "{args:?}: {error}");
    };
    let mount = |form: &str| form.replace("{a}", text(&a)).replace("{b}", text(&b));
    refused(&["--mount", &mount("{a}:/x")], "invalid_mount", 2, "ambiguous");
    refused(&["--mount", &mount("{b}:/proc")], "invalid_mount", 2, "the image needs");
    refused(&["--mount", &mount("{b}:/home/agent/")], "invalid_mount", 2, "the image needs");
    refused(&["--mount", &mount("{b}:/x/../etc")], "invalid_mount", 2, "'..'");
    refused(&["--mount", &mount("{b}:/x\ny")], "invalid_mount", 2, "control character");
    refused(&["--mount", &mount("{b}:x")], "path_not_found", 3, "b:x");
    refused(&["--mount", ""], "invalid_mount", 2, "empty");
    refused(&["--mount", ":/x"], "invalid_mount", 2, "empty");
    refused(&[""], "usage", 2, "a value is required");
    let two = [mount("{a}:/y"), mount("{b}:/y")];
    refused(&["--mount", &two[0], "--mount", &two[1]], "invalid_mount", 2, "both");
    refused(&["--mount", &mount("{b}:/workspace")], "invalid_mount", 2, "both");
    refused(&["missing"], "path_not_found", 3, "no such path: missing");
    env.write("project/file", "x");
    refused(&["file"], "invalid_path", 2, "not a directory");
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn odd_names_of_directories_are_mounted_as_what_they_are() {
    let env = TestEnv::new();
    let names = [
        "a,b",
        "a:b",
        "it's",
        "a\"b",
        "a b",
        "back\\slash",
        "-lead",
        "ünï✓",
        "a=b,ro",
        "%2C",
        "$(x)",
        "a:ro",
    ];
    let mut start = env.command("agent-session", &["start", "-d", "-a", "shell"]);
    start.current_dir(env.mkdir("odd"));
    for name in names {
        env.write(&format!("odd/{name}/marker"), name);
        // As one would type it: a leading dash wants a `./`.
        start.arg(Path::new(".").join(name));
    }
    let output = env.finish(start);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let session = env.json(&["ls"])[0].clone();
    for (name, (source, target, _)) in names.iter().zip(mounts(&session)) {
        assert_eq!(source, text(&env.path("odd").join(name)));
        assert_eq!(target, format!("/workspace/{name}"));
        let inside = ["exec", "agent-session-default", "cat", &format!("{target}/marker")];
        assert_eq!(env.podman(&inside), *name);
    }
    env.ok(&["stop"]);
    assert_eq!(env.json(&["restart"])["mounts"], session["mounts"]);
}

#[test]
fn one_odd_name_works_for_the_whole_life_of_a_session() {
    let env = TestEnv::new();
    let odd = env.mkdir("a, \"b\" 'c' \\ %2C:d");
    env.write("a, \"b\" 'c' \\ %2C:d/marker", "found");
    let made = env.json(&["start", "-a", "shell", text(&odd)]);
    assert_eq!(made["project"], text(&odd));
    assert_eq!(env.inside("default", "cat /workspace/marker"), "found");
    // Only the volume's labels are left to tell.
    env.podman(&["rm", "--force", "--time=0", "agent-session-default"]);
    assert_eq!(env.json(&["start", text(&odd)])["mounts"], made["mounts"]);
    assert_eq!(env.inside("default", "cat /workspace/marker"), "found");
}

#[test]
fn names_with_control_characters_or_without_a_text_are_refused_before_podman_is_asked() {
    let env = TestEnv::new();
    let names: [OsString; 4] =
        ["a\nb".into(), "a\tb".into(), "a\x1b[31mb".into(), OsString::from_vec(b"a\xffb".to_vec())];
    env.fake("podman", "#!/bin/sh\nexit 99\n");
    for name in names {
        let directory = env.path("odd").join(&name);
        fs::create_dir_all(&directory).unwrap();
        for flag in [None, Some("--mount")] {
            let mut start = env.command("agent-session", &["--json", "start", "-a", "shell"]);
            start.args(flag).arg(&directory);
            // Arguments that are text by their kind are refused by the parser.
            let is_text = directory.to_str().is_some();
            let code = if flag.is_some() && !is_text { "usage" } else { "invalid_path" };
            let error = env.fails_as(start, code, 2);
            assert!(!error["message"].as_str().unwrap().contains('\x1b'), "{error}");
        }
    }
}

#[test]
fn a_current_directory_or_a_variable_that_has_no_text_is_refused() {
    let env = TestEnv::new();
    for (bytes, code) in [(&b"a\xffb"[..], "invalid_path"), (b"a\nb", "invalid_path")] {
        let directory = env.path(OsStr::from_bytes(bytes));
        fs::create_dir_all(&directory).unwrap();
        for variable in ["AGENT_SESSION_MOUNTS", "AGENT_SESSION_KOB"] {
            let mut start = env.command("agent-session", &["--json", "start", "-a", "shell"]);
            start.env(variable, &directory);
            env.fails_as(start, code, 2);
        }
        let mut here = env.command("agent-session", &["--json", "start", "-a", "shell"]);
        here.current_dir(&directory);
        env.fails_as(here, code, 2);
    }
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn what_holds_keys_or_the_whole_home_is_not_mounted_in_any_way() {
    let mut env = TestEnv::new();
    for folder in
        [".ssh/below", ".gnupg", ".aws", ".claude/projects", ".config/agent-session/agents"]
    {
        env.mkdir(&format!("home/{folder}"));
    }
    symlink(env.path("home/.ssh"), env.path("innocent")).unwrap();
    let home = env.path("home");
    let parent = home.parent().unwrap().to_owned();
    let mut paths = vec![
        "/".into(),
        "/var".into(),
        "/proc/1".into(),
        home.clone(),
        parent,
        env.path("innocent"),
    ];
    for folder in [
        ".ssh",
        ".ssh/below",
        ".gnupg",
        ".aws",
        ".claude",
        ".claude/projects",
        ".config",
        ".config/agent-session",
    ] {
        paths.push(home.join(folder));
    }
    for path in &paths {
        let path = text(path);
        env.fails(&["start", "-a", "shell", path], "mount_forbidden", 7);
        env.fails(
            &["start", "-a", "shell", "--mount", &format!("{path}:/x")],
            "mount_forbidden",
            7,
        );
    }
    for variable in ["AGENT_SESSION_MOUNTS", "AGENT_SESSION_KOB"] {
        env.set(variable, text(&env.path("innocent")));
        env.fails(&["start", "-a", "shell"], "mount_forbidden", 7);
        env.set(variable, "");
    }
    let mut at_home = env.command("agent-session", &["--json", "start", "-a", "shell"]);
    at_home.current_dir(&home);
    env.fails_as(at_home, "mount_forbidden", 7);
    assert_eq!(env.json(&["ls"]), json!([]));
}

#[test]
fn a_directory_in_the_home_that_holds_nothing_special_is_mounted() {
    let env = TestEnv::new();
    let work = env.mkdir("home/projects/app");
    assert_eq!(mounts(&env.json(&["start", "-a", "shell", text(&work)]))[0].1, "/workspace");
}

#[test]
fn a_directory_that_was_replaced_while_the_session_was_stopped_is_not_mounted() {
    let env = TestEnv::new();
    let app = env.mkdir("app");
    env.ok(&["start", "-d", "-a", "shell", text(&app)]);
    env.ok(&["stop"]);
    fs::rename(&app, env.path("away")).unwrap();
    symlink(env.mkdir("home/.ssh"), &app).unwrap();
    for args in [&["start"][..], &["restart"]] {
        let error = env.fails(args, "mount_changed", 4);
        assert!(error["message"].as_str().unwrap().ends_with(text(&app)), "{error}");
    }
    fs::remove_file(&app).unwrap();
    fs::create_dir(&app).unwrap();
    env.fails(&["restart"], "mount_changed", 4);
    let problems = env.json(&["inspect"])["problems"].to_string();
    assert!(problems.contains("no longer what it was"), "{problems}");
    fs::remove_dir(&app).unwrap();
    env.fails(&["restart"], "mount_changed", 4);
    fs::rename(env.path("away"), &app).unwrap();
    assert_eq!(env.json(&["restart"])["status"], "running");
}

#[test]
fn git_works_in_a_linked_worktree() {
    let env = TestEnv::new();
    let main = env.mkdir("main");
    git(&main, &["init", "-b", "main"]);
    git(&main, &["commit", "--allow-empty", "-m", "first"]);
    git(&main, &["worktree", "add", "../tree"]);
    let tree = env.path("tree");
    let session = env.json(&["start", "-a", "shell", text(&tree)]);
    let common = main.join(".git");
    assert_eq!(
        mounts(&session),
        [(text(&tree), "/workspace", "rw"), (text(&common), text(&common), "rw")]
    );
    let commit = "git -c user.name=x -c user.email=x@x commit --quiet --allow-empty -m inside";
    assert_eq!(env.inside("default", &format!("{commit} && git log --format=%s")), "inside\nfirst");
    git(&main, &["merge-base", "--is-ancestor", "main", "tree"]);
}

#[test]
fn a_forged_pointer_to_a_repository_mounts_nothing() {
    let env = TestEnv::new();
    let victim = env.mkdir("victim");
    git(&victim, &["init", "-b", "main"]);
    git(&victim, &["commit", "--allow-empty", "-m", "first"]);
    git(&victim, &["worktree", "add", "../tree"]);
    // It names the git directory of another's worktree, which does not point back.
    let forged = victim.join(".git/worktrees/tree");
    fs::write(env.project().join(".git"), format!("gitdir: {}\n", forged.display())).unwrap();
    assert_eq!(mounts(&env.json(&["start", "-a", "shell", "-n", "a"])).len(), 1);
    // It names a directory of its own, which claims another as its common directory.
    let own = env.mkdir("project/worktrees/own");
    fs::write(own.join("commondir"), text(&victim.join(".git"))).unwrap();
    fs::write(own.join("gitdir"), text(&env.project().join(".git"))).unwrap();
    fs::write(env.project().join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
    assert_eq!(mounts(&env.json(&["start", "-a", "shell", "-n", "b"])).len(), 1);
}
