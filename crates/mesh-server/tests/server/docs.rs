//! The documents say what is.

use std::fs;
use std::path::PathBuf;

use apollo_compiler::schema::ExtendedType;
use mesh_core::limits;
use mesh_server::graphql::document::{self, Document};
use mesh_server::graphql::error::Fault;
use mesh_server::graphql::schema::Schema;

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

/// The section under a heading, up to the next heading of any level.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading} is missing"));
    let behind = &page[start + heading.len() + 2..];
    &behind[..behind.find("\n#").unwrap_or(behind.len())]
}

#[test]
fn every_operation_and_type_is_in_the_reference() {
    let page = read("docs/api-reference.md");
    let schema = Schema::load().unwrap();
    for root in ["Query", "Mutation", "Subscription"] {
        for (name, field) in &schema.object(root).unwrap().fields {
            let text = section(&page, &format!("### {name}"));
            let arguments: Vec<_> = field
                .arguments
                .iter()
                .map(|argument| {
                    let default = argument
                        .default_value
                        .as_ref()
                        .map(|value| format!(" = {value}"))
                        .unwrap_or_default();
                    format!("{}: {}{default}", argument.name, argument.ty)
                })
                .collect();
            let arguments =
                if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
            let signature = format!("`{name}{arguments}: {}`", field.ty);
            assert!(text.contains(&signature), "{signature} is not what the reference says: {text}");
            assert!(text.contains("```graphql"), "{name} has no example");
        }
    }
    for (name, definition) in &schema.types.types {
        let fields: Vec<_> = match definition {
            ExtendedType::Object(object) => {
                object.fields.iter().map(|(name, field)| (name, field.ty.to_string())).collect()
            }
            ExtendedType::InputObject(input) => {
                input.fields.iter().map(|(name, field)| (name, field.ty.to_string())).collect()
            }
            _ => continue,
        };
        if name.starts_with("__") || ["Query", "Mutation", "Subscription"].contains(&name.as_str()) {
            continue;
        }
        let text = section(&page, &format!("### {name}"));
        for (field, ty) in &fields {
            assert!(text.contains(&format!("| `{field}` | `{ty}` |")), "{name}.{field}: {ty}");
        }
        assert_eq!(text.matches("\n| `").count(), fields.len(), "{name} has fields that are none");
    }
}

#[test]
fn every_example_fits_the_schema() {
    let schema = Schema::load().unwrap();
    let page = read("docs/api-reference.md");
    let examples: Vec<_> =
        page.split("```graphql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 20);
    for example in examples {
        let invalid = Document::parse(&schema, example).err();
        assert!(invalid.is_none(), "{example}: {:?}", invalid.unwrap());
    }
}

#[test]
fn limits_and_faults_are_the_programs() {
    let page = read("docs/api-reference.md");
    let limits = section(&page, "## Limits").replace(',', "");
    for number in [
        limits::ID_CHARACTERS,
        limits::NAME_CHARACTERS,
        limits::PREFIX_CHARACTERS,
        limits::EVENTS,
        limits::REPORT_ITEMS,
        limits::STATUS_KEYS,
        limits::STATUS_BYTES,
        limits::MESSAGE_BYTES,
        limits::EVENTS_IN_ANSWER,
        document::MAX_TOKENS,
        document::MAX_DEPTH,
        document::MAX_ROOT_FIELDS,
        document::MAX_ALIASES,
        mesh_server::realtime::protocol::MAX_MESSAGE_BYTES,
        mesh_server::realtime::protocol::MAX_SUBSCRIPTIONS,
    ] {
        let is_there = limits.split(|c: char| !c.is_ascii_digit()).any(|text| text == number.to_string());
        assert!(is_there, "{number} is not among the limits");
    }
    let errors = section(&page, "## Errors");
    for fault in [
        Fault::InvalidSyntax,
        Fault::InvalidDocument,
        Fault::WrongType,
        Fault::UnknownOperation,
        Fault::UnsupportedOperation,
        Fault::TooManyTokens,
        Fault::TooDeep,
        Fault::TooManyFields,
        Fault::TooManyAliases,
    ] {
        assert!(errors.contains(&format!("`{fault:?}`")), "{fault:?}");
    }
}
