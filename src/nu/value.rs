//! The results as values of Nushell, typed by their schema: times, and by the ends of their names
//! durations (`_ns`) and sizes (`_bytes`), which then go without it.

use chrono::DateTime;
use nu_protocol::{LabeledError, Record, Span, Type, Value};
use schemars::Schema;
use serde_json::{Map, Value as Json};

/// A schema, within the document that its references are to.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    root: Json,
}

impl Shape {
    pub(super) fn new(schema: &Schema) -> Self {
        Self { root: schema.as_value().clone() }
    }

    /// What Nushell is told that comes out.
    pub(super) fn nu_type(&self) -> Type {
        match self.resolve(&self.root).get("type").and_then(Json::as_str) {
            Some("array") => Type::table(),
            Some("object") => Type::record(),
            _ => Type::Any,
        }
    }

    /// A whole result.
    pub(super) fn value(&self, json: &Json, span: Span) -> Value {
        self.convert(json, &self.root, span)
    }

    /// One item of a result that is a list: of a list, or of what is a list where several are
    /// asked for.
    pub(super) fn item(&self, json: &Json, span: Span) -> Value {
        let list = self.choose(&self.root, &Json::Array(Vec::new()));
        self.convert(json, list.get("items").unwrap_or(list), span)
    }

    fn convert(&self, json: &Json, schema: &Json, span: Span) -> Value {
        let schema = self.choose(schema, json);
        match json {
            Json::Null => Value::nothing(span),
            Json::Bool(value) => Value::bool(*value, span),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => Value::int(value, span),
                (None, Some(value)) if number.is_f64() => Value::float(value, span),
                _ => Value::error(too_large(number, span), span),
            },
            Json::String(text) => string(text, schema, span),
            Json::Array(items) => {
                let inner = schema.get("items").unwrap_or(&Json::Null);
                Value::list(
                    items.iter().map(|item| self.convert(item, inner, span)).collect(),
                    span,
                )
            }
            Json::Object(members) => Value::record(self.record(members, schema, span), span),
        }
    }

    /// The members in the order of the type.
    fn record(&self, members: &Map<String, Json>, schema: &Json, span: Span) -> Record {
        let order = schema.get("required").and_then(Json::as_array);
        let place = |name: &str| {
            let is_it = |other: &Json| other == name;
            order.and_then(|order| order.iter().position(is_it)).unwrap_or(usize::MAX)
        };
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_by_key(|(name, _)| place(name));
        let member = |(name, json): (&String, &Json)| {
            let inner = schema.get("properties").and_then(|all| all.get(name));
            let more = schema.get("additionalProperties").unwrap_or(&Json::Null);
            let value = self.convert(json, inner.unwrap_or(more), span);
            if inner.is_some() { with_unit(name, value) } else { (name.clone(), value) }
        };
        sorted.into_iter().map(member).collect()
    }

    /// The schema of this value: what is referred to, and of several the first that can be it.
    fn choose<'a>(&'a self, schema: &'a Json, json: &Json) -> &'a Json {
        let schema = self.resolve(schema);
        let alternatives = schema.get("anyOf").and_then(Json::as_array);
        let fits = |other: &&Json| fits(self.resolve(other), json);
        match alternatives.and_then(|all| all.iter().find(fits)) {
            Some(chosen) => self.resolve(chosen),
            None => schema,
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Json) -> &'a Json {
        let target = schema.get("$ref").and_then(Json::as_str);
        let found = target.and_then(|target| self.root.pointer(target.trim_start_matches('#')));
        found.unwrap_or(schema)
    }
}

fn fits(schema: &Json, json: &Json) -> bool {
    let wanted = match json {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    match schema.get("type") {
        Some(Json::Array(types)) => types.iter().any(|name| name == wanted),
        name => name.is_some_and(|name| name == wanted),
    }
}

fn string(text: &str, schema: &Json, span: Span) -> Value {
    let is_time = schema.get("format").is_some_and(|format| format == "date-time");
    let time = is_time.then(|| text.parse::<jiff::Timestamp>().ok()).flatten();
    let nanoseconds = time.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    match nanoseconds {
        Some(nanoseconds) => {
            Value::date(DateTime::from_timestamp_nanos(nanoseconds).fixed_offset(), span)
        }
        None => Value::string(text, span),
    }
}

/// Gives a number the unit that its name ends in.
fn with_unit(name: &str, value: Value) -> (String, Value) {
    let is_number = matches!(value, Value::Int { .. } | Value::Nothing { .. });
    let (short, unit): (_, fn(i64, Span) -> Value) =
        match (name.strip_suffix("_ns"), name.strip_suffix("_bytes")) {
            (Some(short), _) if is_number => (short, Value::duration),
            (_, Some(short)) if is_number => (short, |number, span| Value::filesize(number, span)),
            _ => return (name.to_owned(), value),
        };
    let value = match value {
        Value::Int { val, internal_span, .. } => unit(val, internal_span),
        other => other,
    };
    (short.to_owned(), value)
}

fn too_large(number: &serde_json::Number, span: Span) -> nu_protocol::ShellError {
    LabeledError::new(format!("{number} is larger than Nushell's integers"))
        .with_code("integer_too_large")
        .with_label("from here", span)
        .into()
}

#[cfg(test)]
mod tests {
    use nu_protocol::record;
    use serde_json::json;

    use super::*;
    use crate::schema;

    const SPAN: Span = Span::test_data();

    fn shape(name: &str) -> Shape {
        Shape::new(&schema::all()[name])
    }

    fn image() -> Json {
        json!({
            "agent": "shell", "image": "i", "image_id": "1", "size_bytes": 2_000_000,
            "duration_ns": 3_000_000_000_i64, "versions": {"zellij": "0.45.1", "x_ns": "1"},
        })
    }

    #[test]
    fn sizes_and_durations_have_their_unit_in_place_of_the_end_of_their_name() {
        let value = shape("build").value(&image(), SPAN);
        let expected = Value::test_record(record! {
            "agent" => Value::test_string("shell"),
            "image" => Value::test_string("i"),
            "image_id" => Value::test_string("1"),
            "size" => Value::test_filesize(2_000_000),
            "duration" => Value::test_duration(3_000_000_000),
            "versions" => Value::test_record(record! {
                "x_ns" => Value::test_string("1"),
                "zellij" => Value::test_string("0.45.1"),
            }),
        });
        assert_eq!(value, expected);
        let columns: Vec<_> = value.as_record().unwrap().columns().collect();
        assert_eq!(columns, ["agent", "image", "image_id", "size", "duration", "versions"]);
        assert_eq!(shape("build").item(&image(), SPAN), expected);
    }

    #[test]
    fn times_are_dates_and_what_is_null_is_nothing_under_the_same_name() {
        let session = json!({
            "name": "x", "created": "2026-11-22T10:00:00.5Z", "started": null, "uptime_ns": null,
            "project": "2026-11-22T10:00:00Z",
        });
        let value = shape("ls").item(&session, SPAN);
        let record = value.as_record().unwrap();
        let date = record.get("created").unwrap().as_date().unwrap();
        assert_eq!(date.to_rfc3339(), "2026-11-22T10:00:00.500+00:00");
        assert_eq!(record.get("uptime"), Some(&Value::test_nothing()));
        assert_eq!(record.get("started"), Some(&Value::test_nothing()));
        assert_eq!(record.get("project"), Some(&Value::test_string("2026-11-22T10:00:00Z")));
    }

    #[test]
    fn what_may_be_null_has_its_type_where_it_is_not() {
        let session = json!({"limits": {"memory_bytes": 1024, "pids": 7}, "policy": null});
        let value = shape("inspect").value(&session, SPAN);
        let record = value.as_record().unwrap();
        let limits = record! {"memory" => Value::test_filesize(1024), "pids" => Value::test_int(7)};
        assert_eq!(record.get("limits"), Some(&Value::test_record(limits)));
        assert_eq!(record.get("policy"), Some(&Value::test_nothing()));
    }

    #[test]
    fn an_integer_that_is_too_large_is_refused() {
        let mut image = image();
        image["size_bytes"] = json!(u64::MAX);
        let value = shape("build").value(&image, SPAN);
        let size = value.as_record().unwrap().get("size_bytes").unwrap();
        assert!(matches!(size, Value::Error { .. }), "{size:?}");
        image["size_bytes"] = json!(i64::MAX);
        let value = shape("build").value(&image, SPAN);
        let size = value.as_record().unwrap().get("size").unwrap();
        assert_eq!(*size, Value::test_filesize(i64::MAX));
    }
}
