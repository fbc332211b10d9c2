//! What a reader of the released schemas would trip over in the present ones.
//!
//! These are schemas of what the program prints. A new member of an object is an addition, and
//! harms nobody. Everything else is a change that some reader notices: one that looks for a member
//! or a state that is gone, but also one that knows all states and meets another, or that meets a
//! null where there was none.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keywords that say nothing about the value.
const NOTES: [&str; 6] = ["$schema", "$defs", "$comment", "title", "description", "examples"];

/// Every change from `old` to `new` that is not an addition, with the place of it.
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(&At { root: old, schema: old }, &At { root: new, schema: new }, "", &mut found);
    found
}

/// A schema within a document.
struct At<'a> {
    root: &'a Value,
    schema: &'a Value,
}

impl<'a> At<'a> {
    /// Its keywords, with those of what it refers to; empty for `true`.
    fn keywords(&self) -> Map<String, Value> {
        let mut all = self.schema.as_object().cloned().unwrap_or_default();
        if let Some(Value::String(target)) = all.remove("$ref") {
            let target = self.root.pointer(target.trim_start_matches('#')).unwrap();
            let more = At { root: self.root, schema: target }.keywords();
            all.extend(more.into_iter().filter(|(name, _)| !NOTES.contains(&name.as_str())));
        }
        all.retain(|name, _| !NOTES.contains(&name.as_str()));
        all
    }

    fn inner<'b>(&self, schema: &'b Value) -> At<'b>
    where
        'a: 'b,
    {
        At { root: self.root, schema }
    }
}

fn compare(old: &At, new: &At, place: &str, found: &mut Vec<String>) {
    let (olds, news) = (old.keywords(), new.keywords());
    let nothing = Value::Null;
    for keyword in olds.keys().chain(news.keys()).collect::<BTreeSet<_>>() {
        let was = olds.get(keyword).unwrap_or(&nothing);
        let is = news.get(keyword).unwrap_or(&nothing);
        let place = format!("{place}/{keyword}");
        match keyword.as_str() {
            "properties" => members(old, new, was, is, &place, found),
            "required" => {
                let (was, is) = (set(was), set(is));
                found.extend(was.difference(&is).map(|name| format!("{place}: no longer {name}")));
            }
            "items" | "additionalProperties" if was.is_object() && is.is_object() => {
                compare(&old.inner(was), &new.inner(is), &place, found);
            }
            "anyOf" | "oneOf" | "allOf" => alternatives(old, new, was, is, &place, found),
            "type" | "enum" if set(was) == set(is) => {}
            _ if was == is => {}
            _ => found.push(format!("{place}: {was} became {is}")),
        }
    }
}

fn members(old: &At, new: &At, was: &Value, is: &Value, place: &str, found: &mut Vec<String>) {
    for (name, schema) in was.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        match is.get(name) {
            Some(other) => compare(&old.inner(schema), &new.inner(other), &place, found),
            None => found.push(format!("{place}: is gone")),
        }
    }
}

fn alternatives(old: &At, new: &At, was: &Value, is: &Value, place: &str, found: &mut Vec<String>) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (olds, news) = (list(was), list(is));
    if olds.len() != news.len() {
        found.push(format!("{place}: {} became {} alternatives", olds.len(), news.len()));
    }
    for (number, schema) in olds.iter().enumerate() {
        let matches = |other: &&Value| {
            let mut differences = Vec::new();
            compare(&old.inner(schema), &new.inner(other), place, &mut differences);
            differences.is_empty()
        };
        if !news.iter().any(|other| matches(&other)) {
            found.push(format!("{place}/{number}: is gone or changed"));
        }
    }
}

/// The values of a list, or the one value, in no order.
fn set(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().map(ToString::to_string).collect(),
        Value::Null => BTreeSet::new(),
        one => BTreeSet::from([one.to_string()]),
    }
}
