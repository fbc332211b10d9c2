//! The JSON Schemas of the reports and of failures, derived from their types.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::error::ErrorReport;
use crate::report::Report;

/// The name of the schema of a failure; the others have their command's.
pub const ERROR: &str = "error";

const DEFINITIONS: &str = "$defs";

/// All schemas (draft 2020-12), by name.
#[must_use]
pub fn all() -> BTreeMap<String, Schema> {
    let reports = generate::<Report>();
    let definitions = reports.get(DEFINITIONS).and_then(Value::as_object);
    let variants = reports.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let mut schemas: BTreeMap<_, _> = variants
        .filter_map(|variant| {
            let (name, body) = variant["properties"].as_object()?.iter().next()?;
            let root = root(name, variant, body, definitions.unwrap_or(&Map::new()));
            Some((name.clone(), root))
        })
        .collect();
    let mut error = generate::<ErrorReport>();
    error.insert("title".into(), ERROR.into());
    schemas.insert(ERROR.into(), error);
    schemas
}

fn generate<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// The schema of one variant of [`Report`], on its own: with its title, its description, and those
/// definitions that it uses.
fn root(name: &str, variant: &Value, body: &Value, definitions: &Map<String, Value>) -> Schema {
    let mut used = BTreeSet::new();
    collect(body, definitions, &mut used);
    let kept = definitions.iter().filter(|(name, _)| used.contains(*name));
    let mut schema = body.as_object().cloned().unwrap_or_default();
    schema.insert("$schema".into(), SchemaSettings::draft2020_12().meta_schema.into());
    schema.insert("title".into(), name.into());
    schema.insert("description".into(), variant["description"].clone());
    if !used.is_empty() {
        let kept: Map<_, _> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        schema.insert(DEFINITIONS.into(), kept.into());
    }
    schema.into()
}

/// Adds the names of the definitions that `schema` refers to, also through others.
fn collect(schema: &Value, definitions: &Map<String, Value>, used: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            if let Some(name) = target.and_then(|target| target.rsplit('/').next())
                && used.insert(name.to_owned())
            {
                collect(&definitions[name], definitions, used);
            }
            members.values().for_each(|member| collect(member, definitions, used));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, definitions, used)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_schema_but_that_of_failures_is_named_like_a_command() {
        let cli = Cli::command();
        let commands: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
        let names: Vec<_> = all().into_keys().filter(|name| name != ERROR).collect();
        assert!(names.len() >= 9, "{names:?}");
        for name in names {
            assert!(commands.contains(&name.as_str()), "{name}: {commands:?}");
        }
    }

    #[test]
    fn a_schema_has_the_definitions_that_it_uses_and_no_others() {
        let names = |schema: &Schema| {
            let found = schema.get(DEFINITIONS).and_then(Value::as_object).cloned();
            found.unwrap_or_default().into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let all = all();
        assert_eq!(names(&all["rm"]), ["RemovedReport"]);
        assert_eq!(names(&all["ls"]), ["Mode", "MountReport", "SessionReport", "Status"]);
    }

    #[test]
    fn what_may_be_null_is_required_all_the_same() {
        let ls = all().remove("ls").unwrap();
        let session = &ls.as_value()["$defs"]["SessionReport"];
        let properties: Vec<_> = session["properties"].as_object().unwrap().keys().collect();
        let required: Vec<_> = session["required"].as_array().unwrap().iter().collect();
        assert_eq!(properties.len(), required.len());
    }
}
