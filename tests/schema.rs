//! The schemas under `docs/schema/`: derived from the report types, valid, kept, and true of what
//! every command prints.

use std::fs;

use agent_session::{render, schema};
use serde_json::{Value, json};

use crate::support::TestEnv;
use crate::support::compatibility::breaks;
use crate::support::schema::{folder, read, released};

/// Compares, or with `UPDATE_SCHEMAS` set writes.
#[test]
fn the_committed_schemas_are_what_the_types_say() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    for (name, schema) in schema::all() {
        let file = folder().join(format!("{name}.json"));
        let text = render::json(&schema, true) + "\n";
        if update {
            fs::write(&file, &text).unwrap();
        }
        let committed = fs::read_to_string(&file).unwrap_or_default();
        let advice = "UPDATE_SCHEMAS=1 cargo test --test main schema";
        assert!(committed == text, "{} is not up to date: {advice}", file.display());
    }
    let files: Vec<_> = read(&folder()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(files, schema::all().into_keys().collect::<Vec<_>>());
}

#[test]
fn every_schema_is_one_of_draft_2020_12() {
    for (name, schema) in read(&folder()) {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        jsonschema::draft202012::meta::validate(&schema).unwrap();
    }
}

#[test]
fn nothing_that_was_released_is_taken_back() {
    let present = read(&folder());
    let released = read(&released());
    assert!(released.len() >= 9);
    for (name, old) in released {
        let new = present.iter().find(|(other, _)| *other == name);
        let (_, new) = new.unwrap_or_else(|| panic!("the schema {name} is gone"));
        assert_eq!(breaks(&old, new), [""; 0], "{name}");
    }
}

/// A schema with something of everything.
fn sample() -> Value {
    json!({
        "$ref": "#/$defs/Session",
        "$defs": {
            "Session": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "Its name."},
                    "started": {"type": ["string", "null"], "format": "date-time"},
                    "status": {"$ref": "#/$defs/Status"},
                    "mode": {"type": "string", "enum": ["rw", "ro"]},
                    "mounts": {"type": "array", "items": {"$ref": "#/$defs/Mount"}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                },
                "required": ["name", "started", "status"],
            },
            "Status": {"oneOf": [{"const": "running"}, {"const": "stopped"}]},
            "Mount": {
                "type": "object",
                "properties": {"source": {"type": "string"}},
                "required": ["source"],
            },
        },
    })
}

const SESSION: &str = "/$defs/Session";

/// The sample with one value set, or taken away.
fn changed(pointer: &str, value: Option<Value>) -> Value {
    let mut schema = sample();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = schema.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(key.into(), value),
        None => parent.remove(key),
    };
    schema
}

#[test]
fn additions_and_other_words_are_no_break() {
    let longer = json!(["name", "started", "status", "mounts"]);
    for new in [
        sample(),
        changed(&format!("{SESSION}/properties/clients"), Some(json!({"type": "integer"}))),
        changed("/$defs/Mount/properties/mode", Some(json!({"type": "string"}))),
        changed(&format!("{SESSION}/required"), Some(longer)),
        changed(&format!("{SESSION}/properties/name/description"), Some(json!("Other words."))),
        changed(&format!("{SESSION}/properties/mode/enum"), Some(json!(["ro", "rw"]))),
        changed("/$defs/Unused", Some(json!({"type": "null"}))),
    ] {
        assert_eq!(breaks(&sample(), &new), [""; 0]);
    }
    let mut inlined = sample();
    let status = inlined["$defs"]["Status"].clone();
    inlined["$defs"]["Session"]["properties"]["status"] = status;
    assert_eq!(breaks(&sample(), &inlined), [""; 0]);
}

#[test]
fn whatever_a_reader_could_trip_over_is_a_break() {
    let property = |rest: &str| format!("{SESSION}/properties/{rest}");
    let states = |names: &[&str]| {
        Some(names.iter().map(|name| json!({"const": name})).collect::<Vec<_>>().into())
    };
    for (pointer, value) in [
        (property("name"), None),
        (property("name/type"), Some(json!("integer"))),
        (property("name/type"), Some(json!(["string", "null"]))),
        (property("started/type"), Some(json!("string"))),
        (property("started/format"), None),
        (property("started/format"), Some(json!("date"))),
        (property("mode/enum"), Some(json!(["rw"]))),
        (property("mode/enum"), Some(json!(["rw", "ro", "wo"]))),
        (property("mounts/items"), Some(json!({"type": "string"}))),
        (property("labels/additionalProperties/type"), Some(json!("integer"))),
        (property("labels/additionalProperties"), None),
        (format!("{SESSION}/required"), Some(json!(["name", "started"]))),
        (format!("{SESSION}/required"), None),
        (format!("{SESSION}/type"), Some(json!("array"))),
        (format!("{SESSION}/additionalProperties"), Some(json!(false))),
        ("/$defs/Status/oneOf".into(), states(&["running"])),
        ("/$defs/Status/oneOf".into(), states(&["running", "halted"])),
        ("/$defs/Status/oneOf".into(), states(&["running", "stopped", "paused"])),
        ("/$defs/Mount/properties/source".into(), None),
        ("/$defs/Mount/required".into(), Some(json!([]))),
        ("/$ref".into(), Some(json!("#/$defs/Mount"))),
    ] {
        let new = changed(&pointer, value);
        assert_ne!(breaks(&sample(), &new), [""; 0], "{pointer}: {}", new[SESSION]);
    }
}

/// What each command is called with to succeed, and to fail with which code and exit code.
const CALLS: &[(&[&str], &[&str], &str, i32)] = &[
    (&["start", "-a", "shell", "-n", "x"], &["start", "-n", "-"], "invalid_name", 2),
    (&["ls"], &["ls", "--bogus"], "usage", 2),
    (&["inspect", "x"], &["inspect", "nope"], "session_not_found", 3),
    (&["stop", "x"], &["stop", "nope"], "session_not_found", 3),
    (&["restart", "x"], &["restart", "nope"], "session_not_found", 3),
    (&["stop", "--all"], &["stop", "--all", "x"], "usage", 2),
    (&["rm", "--force", "x"], &["rm", "nope"], "session_not_found", 3),
    (&["build", "tiny"], &["build", "nope"], "agent_not_found", 3),
    (&["init", "bash"], &["init", "tcsh"], "usage", 2),
    (&["schema"], &["schema", "nope"], "usage", 2),
    (&["doctor"], &["doctor", "--yes"], "usage", 2),
    (&["allow", "../allowed"], &["allow", "nope"], "path_not_found", 3),
    (&["config", "check", "-a", "shell"], &["config", "check", "-a", "nope"], "agent_not_found", 3),
    (&["project", "init", "../new"], &["project", "init", "nope"], "path_not_found", 3),
    (&["status"], &["status", "--bogus"], "usage", 2),
    (&["deny", "../allowed"], &["deny", "nope"], "path_not_found", 3),
];

/// The bench holds every result and every failure against its schema: here, and in all tests.
#[test]
fn every_command_prints_what_its_schema_says() {
    let env = TestEnv::new();
    env.agent("tiny", "command = ['fish']", "FROM localhost/agent-session-base\nENV A=1\n");
    env.write("allowed/.agent-session.toml", "agent = 'shell'\n");
    env.mkdir("new");
    for (good, bad, code, exit) in CALLS {
        env.json(good);
        env.fails(bad, code, *exit);
    }
    env.json(&["agents"]);
    let script = "case $1 in image | images) echo '{'; exit 0;; esac";
    env.podman_with(script);
    env.fails(&["agents"], "podman_failed", 1);
    env.real("podman");
    env.json(&["start", "-a", "shell", "-n", "x"]);
    env.json(&["start", "-a", "shell", "-n", "y"]);
    env.fails(&["rm", "--force", "x"], "session_running", 4);
    env.podman(&["rm", "--force", "--time=0", "agent-session-x"]);
    env.json(&["inspect", "x"]);
    env.json(&["ls"]);
    env.json(&["stop", "x", "y"]);
    env.fails(&["rm", "x", "y"], "confirmation_required", 6);
    env.json(&["rm", "--force", "x", "y"]);
}

#[test]
fn every_command_with_a_schema_is_called_above() {
    let called = CALLS.iter().flat_map(|(good, bad, ..)| [good[0], bad[0]]).chain(["agents"]);
    let called: std::collections::BTreeSet<_> = called.map(String::from).collect();
    let commands = schema::all().into_keys().filter(|name| name != schema::ERROR);
    assert_eq!(called.into_iter().collect::<Vec<_>>(), commands.collect::<Vec<_>>());
}

#[test]
fn the_command_prints_the_committed_files() {
    let env = TestEnv::new();
    let all = env.json(&["schema"]);
    for (name, schema) in read(&folder()) {
        let file = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        assert_eq!(env.ok(&["schema", &name]).stdout, file);
        assert_eq!((&all[&name], &env.json(&["schema", &name])), (&schema, &schema));
    }
    let table = env.ok(&["schema"]).stdout;
    assert!(table.starts_with("SCHEMA    RESULT\nagents    The agents"), "{table}");
}
