//! `docs/queries.graphql`, from which the console takes its operations, is a lesson that works.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Operation, OperationType, SelectionSet};
use mesh_server::graphql::document::Document;
use mesh_server::graphql::schema::{Schema, allows_api_key};
use serde_json::json;

use crate::support::TestServer;

fn text() -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join("docs/queries.graphql")).unwrap()
}

/// What is selected, in order; fragments would break an operation that is pasted alone.
fn fields(selected: &SelectionSet) -> impl Iterator<Item = &Node<Field>> {
    selected.selections.iter().map(|selection| selection.as_field().unwrap())
}

/// The one root field of an operation.
fn root_field(operation: &Operation) -> &Node<Field> {
    let mut fields = fields(&operation.selection_set);
    let field = fields.next().unwrap();
    assert!(fields.next().is_none(), "{} is not alone", field.name);
    field
}

/// That everything is selected: what a mutation leaves out, subscribers do not get.
fn assert_all_selected(schema: &Schema, selected: &SelectionSet) {
    let Some(object) = schema.object(&selected.ty) else { return };
    let names: BTreeSet<_> = fields(selected).map(|field| &field.name).collect();
    assert_eq!(names, object.fields.keys().collect(), "{}", selected.ty);
    fields(selected).for_each(|field| assert_all_selected(schema, &field.selection_set));
}

#[test]
fn every_operation_is_there_and_fits_the_schema() {
    let schema = Schema::load().unwrap();
    let document = Document::parse(&schema, &text());
    assert!(document.is_ok(), "{:?}", document.err().unwrap());
    let mut called = BTreeSet::new();
    for (name, operation) in &document.unwrap().executable.operations.named {
        let field = root_field(operation);
        let (first, rest) = field.name.split_at(1);
        assert_eq!(name.as_str(), first.to_uppercase() + rest);
        called.insert(field.name.to_string());
        assert_all_selected(&schema, &field.selection_set);
        for variable in &operation.variables {
            assert_eq!(variable.default_value.is_none(), variable.name == "groupId", "{name}: {variable}");
        }
    }
    let roots = ["Query", "Mutation", "Subscription"];
    let all = roots.iter().flat_map(|root| schema.object(root).unwrap().fields.keys());
    assert_eq!(called, all.map(ToString::to_string).collect());
}

#[tokio::test]
async fn the_operations_are_a_lesson() {
    let schema = Schema::load().unwrap();
    let text = text();
    let document = Document::parse(&schema, &text).ok().unwrap().executable;
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let mut variables = json!({});
    for (name, operation) in &document.operations.named {
        if operation.operation_type == OperationType::Subscription {
            continue;
        }
        let request = json!({ "query": text, "operationName": name.as_str(), "variables": variables });
        let answer = client.post(request.to_string().as_bytes()).await.json();
        let field = root_field(operation);
        let definition = &schema.object(&operation.selection_set.ty).unwrap().fields[&field.name];
        if allows_api_key(definition) {
            assert!(answer["errors"].is_null(), "{answer}");
            assert!(!answer["data"][field.name.as_str()].is_null(), "{answer}");
        } else {
            assert_eq!(answer["errors"][0]["errorType"], "Unauthorized", "{answer}");
        }
        if name == "CreateGroup" {
            variables = json!({ "groupId": answer["data"]["createGroup"]["id"] });
        }
    }
}
