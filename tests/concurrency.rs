//! Many at once, and deaths at any moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::support::{Output, TestEnv, eventually};

fn at_once(env: &TestEnv, calls: &[Vec<&str>]) -> Vec<Output> {
    thread::scope(|scope| {
        let threads: Vec<_> = calls.iter().map(|args| scope.spawn(move || env.run(args))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn names(env: &TestEnv) -> String {
    env.podman(&["ps", "--all", "--format={{.Names}}"])
}

#[test]
fn thirty_starts_of_one_name_make_one_container_and_all_succeed() {
    let env = TestEnv::new();
    let outputs = at_once(&env, &vec![vec!["--json", "start", "-d", "-a", "shell"]; 30]);
    let ids: BTreeSet<_> = outputs
        .iter()
        .map(|output| {
            assert_eq!(output.code, 0, "{}", output.stderr);
            let session: Value = serde_json::from_str(&output.stdout).unwrap();
            assert_eq!(session["status"], "running");
            session["container_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(names(&env), "agent-session-default");
    assert_eq!(env.inside("default", "pgrep --count zellij"), "1");
}

#[test]
fn ten_names_at_once_make_ten_sessions() {
    let env = TestEnv::new();
    let texts: Vec<_> = (0..10).map(|number| format!("s{number}")).collect();
    let call = |name| vec!["start", "-d", "-a", "shell", "-n", name];
    let calls: Vec<_> = texts.iter().map(|name| call(name.as_str())).collect();
    for output in at_once(&env, &calls) {
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
    let all = env.json(&["ls"]);
    let running = |name| {
        all.as_array()
            .unwrap()
            .iter()
            .any(|session| session["name"] == name && session["status"] == "running")
    };
    assert!(texts.iter().all(|name| running(name.as_str())), "{all}");
}

#[test]
fn starts_and_stops_at_once_all_succeed_and_the_session_stays_usable() {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    let calls: Vec<_> = (0..10)
        .map(|number| match number % 2 {
            0 => vec!["start", "-d"],
            _ => vec!["stop"],
        })
        .collect();
    for (output, call) in at_once(&env, &calls).iter().zip(&calls) {
        assert_eq!(output.code, 0, "{call:?}: {}", output.stderr);
    }
    assert_eq!(env.json(&["start"])["status"], "running");
    assert_eq!(names(&env), "agent-session-default");
}

#[test]
fn starts_and_removals_at_once_leave_a_whole_session_or_none() {
    let env = TestEnv::new();
    let calls: Vec<_> = (0..9)
        .map(|number| match number % 3 {
            0 => vec!["--json", "start", "-d", "-a", "shell"],
            1 => vec!["--json", "stop"],
            _ => vec!["--json", "rm", "-f"],
        })
        .collect();
    for (output, call) in at_once(&env, &calls).iter().zip(&calls) {
        let refused = ["session_not_found", "session_running"]
            .iter()
            .any(|code| output.stderr.contains(code));
        let is_start = call.contains(&"start");
        let fine = output.code == 0 || (refused && !is_start);
        assert!(fine, "{call:?}: {} {}", output.code, output.stderr);
    }
    assert_eq!(env.json(&["start", "-a", "shell"])["status"], "running");
    env.ok(&["stop"]);
    env.ok(&["rm", "-f"]);
    assert_eq!((names(&env), env.podman(&["volume", "ls", "-q"])), Default::default());
}

fn in_background(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills a first start when it is about to call podman for the `call`th time, or right after that
/// call was begun. Whether there was such a call.
fn killed_at(call: u32, inside: bool) -> bool {
    let env = TestEnv::new();
    let counter = env.mkdir("calls");
    let real = if inside { "/usr/bin/podman \"$@\" & : >DIR/begun;" } else { "" };
    let script = format!(
        "n=1; while ! mkdir DIR/$n 2>/dev/null; do n=$((n+1)); done\n\
         if [ $n = {call} ]; then {real} kill -KILL $PPID; exit 1; fi"
    );
    env.podman_with(&script.replace("DIR", counter.to_str().unwrap()));
    let killed = env.run(&["start", "-d", "-a", "shell"]).code == -1;
    env.real("podman");
    assert_eq!(env.json(&["start", "-a", "shell"])["status"], "running", "call {call}");
    assert_eq!(env.inside("default", "pgrep --count zellij"), "1");
    env.ok(&["stop"]);
    env.ok(&["rm", "-f"]);
    assert_eq!((names(&env), env.podman(&["volume", "ls", "-q"])), Default::default());
    killed
}

#[test]
fn a_start_that_is_killed_before_any_of_its_calls_can_be_repeated() {
    let calls = (1..=20).take_while(|call| killed_at(*call, false)).count();
    assert!((5..20).contains(&calls), "{calls}");
}

#[test]
fn a_start_that_is_killed_during_any_of_its_calls_can_be_repeated() {
    let calls = (1..=20).take_while(|call| killed_at(*call, true)).count();
    assert!((5..20).contains(&calls), "{calls}");
}

/// Kills podman itself, or agent-session, once podman has come so far with a container: the path
/// is one below the test's directory, with `*` for any name.
fn killed_when(path: &str, kill_podman: bool) {
    let env = TestEnv::new();
    let pid = env.path("pid");
    env.podman_with(&format!("[ \"$1\" != run ] || echo $$ >{}", pid.display()));
    let mut start = in_background(env.command("agent-session", &["start", "-d", "-a", "shell"]));
    eventually("podman has come so far", || exists(&env.path(path)));
    let podman = fs::read_to_string(&pid).unwrap();
    let victim = if kill_podman { podman.trim().to_owned() } else { start.id().to_string() };
    // It may have ended by itself just now: that is one of the moments too.
    let _ = Command::new("kill").args(["-KILL", &victim]).output().unwrap();
    start.wait().unwrap();
    env.real("podman");
    assert_eq!(env.json(&["start", "-a", "shell"])["status"], "running", "{path} {kill_podman}");
    assert_eq!(env.inside("default", "pgrep --count zellij"), "1");
    env.ok(&["stop"]);
    env.ok(&["rm", "-f"]);
    assert_eq!((names(&env), env.podman(&["volume", "ls", "-q"])), Default::default());
}

/// Whether there is such a path; `*` stands for any one name.
fn exists(pattern: &Path) -> bool {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.components().skip(1) {
        let below = |folder: &PathBuf| match part.as_os_str().to_str() {
            Some("*") => {
                let entries = fs::read_dir(folder).into_iter().flatten();
                entries.flatten().map(|entry| entry.path()).collect()
            }
            _ => vec![folder.join(part)],
        };
        found = found.iter().flat_map(below).collect();
    }
    found.iter().any(|path| path.exists())
}

const MOMENTS: [&str; 4] = [
    "pid",
    "store/overlay-containers/*/userdata",
    "run/overlay-containers/*/userdata/pidfile",
    "run/overlay-containers/*/userdata/conmon.pid",
];

#[test]
fn a_start_whose_podman_is_killed_while_it_makes_the_container_can_be_repeated() {
    for path in MOMENTS {
        killed_when(path, true);
    }
}

#[test]
fn a_start_that_is_killed_while_podman_makes_the_container_can_be_repeated() {
    for path in MOMENTS {
        killed_when(path, false);
    }
}
