//! `build`: what it makes, what it says, and what it leaves where it fails or is interrupted.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use serde_json::json;

use crate::support::{TestEnv, eventually, kill, var};

const BASE: &str = "FROM localhost/agent-session-base\n";
const IMAGE: &str = "localhost/agent-session-tiny";

fn tiny(env: &TestEnv, steps: &str) {
    env.agent("tiny", "command = ['fish']", &format!("{BASE}{steps}\n"));
}

fn image_id(env: &TestEnv) -> String {
    env.podman(&["image", "inspect", "--format={{.Id}}", IMAGE])
}

#[test]
fn json_has_id_size_duration_and_the_versions_of_what_is_inside() {
    let env = TestEnv::new();
    tiny(&env, "ENV A=1");
    let built = env.json(&["build", "tiny"]);
    assert_eq!(
        (&built["agent"], &built["image"]),
        (&json!("tiny"), &json!(format!("{IMAGE}:latest")))
    );
    assert_eq!(built["image_id"], image_id(&env));
    assert!(built["size_bytes"].as_u64().unwrap() > 1_000_000);
    assert!(built["duration_ns"].as_u64().unwrap() > 0);
    for program in ["git", "node", "npm", "fish", "zellij", "debian"] {
        assert!(built["versions"][program].is_string(), "{program}: {built}");
    }
    let node: u32 =
        built["versions"]["node"].as_str().unwrap().split('.').next().unwrap().parse().unwrap();
    assert!(node >= 22);
}

#[test]
fn without_a_terminal_progress_is_plain_lines_on_standard_error() {
    let env = TestEnv::new();
    tiny(&env, "ENV A=1");
    let output = env.ok(&["build", "tiny"]);
    assert!(
        output.stdout.starts_with("Built localhost/agent-session-tiny:latest in "),
        "{}",
        output.stdout
    );
    assert_eq!(output.stdout.lines().count(), 1);
    assert!(output.stderr.starts_with("building the image of tiny\nSTEP 1/"), "{}", output.stderr);
    assert!(!output.stderr.contains(['\x1b', '\r']), "{:?}", output.stderr);
}

#[test]
fn a_build_uses_what_is_there_already_unless_it_is_told_not_to() {
    let env = TestEnv::new();
    tiny(&env, "RUN cat /proc/sys/kernel/random/uuid >/home/agent/uuid");
    let first = env.json(&["build", "tiny"])["image_id"].clone();
    assert_eq!(env.json(&["build", "tiny"])["image_id"], first);
    // With a base that is current, --no-cache of everything would take minutes: a stand-in does.
    env.podman_with("case \"$*\" in build*agent-session-base:latest*--no-cache*) exit 0;; esac");
    let zellij = var("AGENT_SESSION_TEST_ZELLIJ");
    let anew = ["build", "--no-cache", "--zellij", zellij.as_str(), "tiny"];
    assert_ne!(env.json(&anew)["image_id"], first);
}

#[test]
fn several_agents_give_a_list() {
    let env = TestEnv::new();
    tiny(&env, "ENV A=1");
    env.agent("other", "command = ['fish']", BASE);
    let built = env.json(&["build", "tiny", "other"]);
    assert_eq!((&built[0]["agent"], &built[1]["agent"]), (&json!("tiny"), &json!("other")));
}

#[test]
fn a_failed_build_leaves_the_old_image_and_keeps_its_whole_log() {
    let env = TestEnv::new();
    tiny(&env, "ENV A=1");
    env.ok(&["build", "tiny"]);
    let before = image_id(&env);
    // All on one stream: podman copies them one by one, each in its own time.
    tiny(
        &env,
        "RUN echo first words; for i in $(seq 60); do echo line $i; done; echo the reason; exit 3",
    );
    let error = env.fails(&["build", "tiny"], "build_failed", 1);
    let causes: Vec<_> =
        error["causes"].as_array().unwrap().iter().map(|cause| cause.as_str().unwrap()).collect();
    assert!(causes.contains(&"the reason") && causes.contains(&"line 60"), "{causes:?}");
    assert!(!causes.contains(&"line 1") && causes.len() <= 30, "{causes:?}");
    let log = error["hint"].as_str().unwrap().strip_prefix("less ").unwrap();
    assert!(error["message"].as_str().unwrap().ends_with(log), "{error}");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("first words\n") && log.contains("the reason\n"), "{log}");
    assert_eq!(image_id(&env), before);
    assert_eq!(env.json(&["start", "-a", "tiny"])["image_id"], before);
}

#[test]
fn a_base_of_the_users_own_is_what_the_images_stand_on() {
    let env = TestEnv::new();
    let zellij = var("AGENT_SESSION_TEST_ZELLIJ");
    env.podman(&["tag", "docker.io/library/debian:trixie-slim", "localhost/own-base:1"]);
    let build = ["build", "shell", "--zellij", zellij.as_str(), "--base"];
    let output = env.ok(&[&build[..], &["localhost/own-base:1"]].concat());
    assert!(output.stderr.contains("FROM localhost/own-base:1"), "{}", output.stderr);
    let error = env.fails(&[&build[..], &["localhost/no-such-base:1"]].concat(), "build_failed", 1);
    assert!(error["causes"].to_string().contains("localhost/no-such-base:1"), "{error}");
}

#[test]
fn an_interrupted_build_leaves_the_old_image_and_can_be_repeated() {
    let env = TestEnv::new();
    tiny(&env, "ENV A=1");
    env.ok(&["build", "tiny"]);
    let before = image_id(&env);
    tiny(&env, "RUN echo now waiting; sleep 60");
    let mut build = env.command("agent-session", &["build", "tiny"]);
    let mut build =
        build.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = env.path("home/.cache/agent-session/build/tiny.log");
    eventually("the step waits", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("\nnow waiting\n"))
    });
    kill("INT", &format!("-{}", build.id()));
    assert!(!build.wait().unwrap().success());
    let step = env.path("store").to_str().unwrap().to_owned();
    eventually("podman is gone", || !is_mentioned_by_podman(&step));
    assert_eq!(image_id(&env), before);
    tiny(&env, "ENV A=2");
    env.ok(&["build", "tiny"]);
    assert_ne!(image_id(&env), before);
}

/// Whether a podman build still runs for the store at this path.
fn is_mentioned_by_podman(store: &str) -> bool {
    let conf = store.replace("/store", "/storage.conf");
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.into_iter().any(|process| {
        let read = |file| fs::read(process.join(file)).unwrap_or_default();
        let of_test = String::from_utf8_lossy(&read("environ")).contains(&conf);
        of_test && String::from_utf8_lossy(&read("cmdline")).starts_with("podman\0build")
    })
}

#[test]
fn an_unknown_agent_gets_the_nearest_as_hint() {
    let env = TestEnv::new();
    for args in [&["build", "claud"][..], &["start", "-a", "claud"]] {
        let error = env.fails(args, "agent_not_found", 3);
        assert_eq!(error["message"], "agent 'claud' not found");
        assert_eq!(error["hint"], "did you mean 'claude'? agent-session agents");
    }
    assert_eq!(env.fails(&["build", "xyz"], "agent_not_found", 3)["hint"], "agent-session agents");
}

#[test]
fn one_unknown_agent_among_several_builds_nothing() {
    let env = TestEnv::new();
    tiny(&env, "ENV A=1");
    env.fails(&["build", "tiny", "nope"], "agent_not_found", 3);
    assert_eq!(env.podman(&["images", "--quiet", IMAGE]), "");
}

#[test]
fn a_zellij_program_that_does_not_exist_is_refused() {
    let env = TestEnv::new();
    env.fails(&["build", "--zellij", "./missing", "shell"], "path_not_found", 3);
}

#[test]
fn an_image_that_does_not_stand_on_the_base_is_refused_with_the_reason() {
    let env = TestEnv::new();
    env.agent("tiny", "command = ['sh']", "FROM docker.io/library/debian:trixie-slim\nENV A=1\n");
    let error = env.fails(&["build", "tiny"], "podman_failed", 1);
    assert!(!error["causes"].as_array().unwrap().is_empty(), "{error}");
}

#[test]
fn two_builds_of_one_agent_at_once_both_succeed() {
    let env = TestEnv::new();
    tiny(&env, "RUN echo x >/home/agent/x");
    let outputs = std::thread::scope(|scope| {
        let builds = [(); 2].map(|()| scope.spawn(|| env.run(&["build", "tiny"])));
        builds.map(|build| build.join().unwrap())
    });
    for output in outputs {
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
}
