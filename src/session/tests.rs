use super::*;
use crate::mount::{Mode, Mount};

fn name(text: &str) -> SessionName {
    SessionName::parse(text).unwrap()
}

fn spec() -> Spec {
    Spec {
        agent: "claude".into(),
        project: "/p, q".into(),
        mounts: vec![Mount {
            source: "/p, q".into(),
            target: "/workspace".into(),
            mode: Mode::Rw,
            device: 1,
            inode: u64::MAX,
        }],
        args: vec!["--model".into(), "x \"y\"\n".into()],
        env: vec!["A=b=c".into()],
        limits: serde_json::from_str(r#"{"memory": "4g", "cpus": 1.5}"#).unwrap(),
        setup: Some("echo 'x'\n".into()),
        secrets: [("ANTHROPIC_API_KEY".into(), "0123".into())].into(),
        image_id: "abc".into(),
        version: "0.1.0".into(),
        created: "2026-01-02T03:04:05.678Z".parse().unwrap(),
    }
}

fn container(state: &str, name: &str, labels: &BTreeMap<String, String>) -> Container {
    serde_json::from_value(serde_json::json!({
        "Id": "1", "Names": [name], "State": state, "ImageID": "abc",
        "Labels": labels, "StartedAt": 5,
    }))
    .unwrap()
}

#[test]
fn names() {
    for good in ["a", "A1", "a_b.c-d", &"x".repeat(63)] {
        assert_eq!(name(good).as_str(), good);
    }
    for bad in ["", "-a", ".a", "_a", "a b", "a/b", "ä", "a\n", "a\0", "$(x)", &"x".repeat(64)] {
        assert!(SessionName::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn labels_round_trip() {
    let labels = spec().labels(&name("x"));
    assert_eq!(Spec::from_labels(&labels), (spec(), vec![]));
    assert_eq!(labels["io.agent-session.schema"], "1");
}

#[test]
fn a_session_without_limits_and_setup_has_no_labels_of_them() {
    let expected = Spec { limits: Limits::default(), setup: None, ..spec() };
    let labels = expected.labels(&name("x"));
    assert_eq!(labels.len() + 2, spec().labels(&name("x")).len());
    assert_eq!(Spec::from_labels(&labels), (expected, vec![]));
}

#[test]
fn damaged_labels_make_a_broken_session_not_a_missing_one() {
    let mut labels = spec().labels(&name("x"));
    labels.insert("io.agent-session.mounts".into(), "nonsense".into());
    labels.remove("io.agent-session.agent");
    let found =
        assemble(&[container("running", "agent-session-x", &labels)], &[], &Tags::default());
    assert_eq!(found[0].status(), Status::Broken);
    assert_eq!(
        found[0].problems,
        [
            "the label io.agent-session.agent is missing",
            "the label io.agent-session.mounts is not understood"
        ]
    );
}

#[test]
fn podmans_states() {
    for (state, status) in [
        ("running", Status::Running),
        ("paused", Status::Paused),
        ("exited", Status::Stopped),
        ("stopped", Status::Stopped),
        ("created", Status::Created),
        ("configured", Status::Created),
        ("initialized", Status::Created),
        ("stopping", Status::Broken),
        ("removing", Status::Broken),
    ] {
        let labels = spec().labels(&name("x"));
        let found =
            assemble(&[container(state, "agent-session-x", &labels)], &[], &Tags::default());
        assert_eq!(found[0].status(), status, "{state}");
    }
}

#[test]
fn what_podman_has_stopped_is_stopped_and_what_never_ran_is_not() {
    let labels = spec().labels(&name("x"));
    let once_stopped = |state, ids: &[&str]| {
        let seen = [container(state, "agent-session-x", &labels)];
        let session = assemble(&seen, &[], &Tags::default()).remove(0);
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        session.once_stopped(&ids).map(|session| (session.status(), session.is_live()))
    };
    for state in ["running", "stopping", "exited"] {
        assert_eq!(once_stopped(state, &["0", "1"]), Some((Status::Stopped, false)), "{state}");
    }
    assert_eq!(once_stopped("created", &["1"]), Some((Status::Created, false)));
    assert_eq!(once_stopped("running", &["11"]), None);
}

#[test]
fn a_volume_alone_is_a_stopped_session() {
    let volume = Volume { name: "agent-session-x".into(), labels: spec().labels(&name("x")) };
    let found = assemble(&[], &[volume], &Tags::default());
    assert_eq!(found[0].status(), Status::Stopped);
    assert_eq!(found[0].spec, spec());
}

#[test]
fn a_copy_of_the_labels_under_another_name_is_not_the_session() {
    let copy = container("running", "my-own-container", &spec().labels(&name("x")));
    assert!(assemble(&[copy], &[], &Tags::default()).is_empty());
}

#[test]
fn labels_of_a_newer_program_are_listed_and_not_changed() {
    let mut labels = spec().labels(&name("x"));
    labels.insert("io.agent-session.schema".into(), "2".into());
    labels.remove("io.agent-session.args");
    let found =
        assemble(&[container("running", "agent-session-x", &labels)], &[], &Tags::default());
    assert_eq!(found[0].status(), Status::Running);
    assert_eq!(found[0].check_schema().unwrap_err().code(), "session_too_new");
}

#[test]
fn the_nearest_name() {
    assert_eq!(nearest("frontnd", ["backend", "frontend"].into_iter()), Some("frontend".into()));
    assert_eq!(nearest("zzz", ["backend"].into_iter()), None);
}
