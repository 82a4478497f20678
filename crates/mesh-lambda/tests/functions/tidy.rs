//! One name everywhere: the schema's fields, the calls of operations, the functions and the events. That the
//! template names them so is held by `tests/cloud/consistency.test.js`.

use std::fs;

use mesh_appsync::Call;
use mesh_core::model::MessageFields;

use super::{OPERATIONS, event, names_in, project};

/// Answered by AppSync itself.
const INTERNAL: &str = "publishEventsByNode";

/// The fields of `Query` and `Mutation`.
fn fields_of_schema() -> Vec<String> {
    let schema = fs::read_to_string(project().join("schema.graphql")).unwrap();
    let mut fields = Vec::new();
    for name in ["Query", "Mutation"] {
        let (_, body) = schema.split_once(&format!("type {name} {{\n")).unwrap();
        let (body, _) = body.split_once("\n}").unwrap();
        for line in body.lines().map(str::trim).filter(|line| !line.starts_with('"')) {
            fields.push(line.split(['(', ':']).next().unwrap().to_owned());
        }
    }
    fields
}

#[test]
fn every_field_has_a_function() {
    let mut served: Vec<_> =
        OPERATIONS.iter().flat_map(|(_, fields)| fields.iter().map(ToString::to_string)).collect();
    served.push(INTERNAL.to_owned());
    served.sort();
    let mut fields = fields_of_schema();
    fields.sort();
    assert_eq!(fields, served);
}

#[test]
fn functions_and_events_are_named_after_their_fields() {
    let names: Vec<_> = OPERATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names_in("crates/functions").unwrap(), names);
    let mut events = names_in("events").unwrap();
    events.retain(|name| name != "bad");
    assert_eq!(events, names.iter().map(|name| format!("{name}.json")).collect::<Vec<_>>());
    for (name, fields) in OPERATIONS {
        let kebab = |field: &str| {
            field.chars().fold(String::new(), |kebab, letter| {
                if letter.is_uppercase() {
                    format!("{kebab}-{}", letter.to_lowercase())
                } else {
                    format!("{kebab}{letter}")
                }
            })
        };
        assert_eq!(kebab(fields[0]), name);
        let main =
            fs::read_to_string(project().join(format!("crates/functions/{name}/src/main.rs"))).unwrap();
        let listed: Vec<_> = fields.iter().map(|field| format!("\"{field}\"")).collect();
        assert!(main.contains(&format!("fields: &[{}]", listed.join(", "))), "{main}");
        assert!(main.lines().count() <= 10);
        for field in fields {
            let arguments = event(&format!("{name}.json"))["arguments"].clone();
            Call::read(field, arguments, MessageFields::ALL, None, None).expect(field);
        }
    }
}
