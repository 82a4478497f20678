//! The plan of an operation: its root fields in order, and the selection of each, with fragments spread,
//! equal keys merged and conditions decided.

use std::collections::HashSet;

use apollo_compiler::executable::{
    Argument, Field, Operation, OperationType, Selection as Selected, SelectionSet,
};
use apollo_compiler::schema::{Component, FieldDefinition};
use apollo_compiler::{ExecutableDocument, Node};
use mesh_appsync::selection::{Selection, TYPE_NAME};
use mesh_core::model::MessageFields;
use mesh_core::{Error, ErrorType};

use super::arguments::OperationVariables;
use super::error::{GraphqlError, Location};
use super::schema::{Schema, allows_api_key};

/// The type of live messages.
const MESSAGE: &str = "MeshMessage";

/// The plan of an operation.
#[derive(Debug)]
pub struct Plan {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The root fields in the order of the answer.
    pub fields: Vec<RootField>,
}

/// A wanted root field.
#[derive(Debug)]
pub struct RootField {
    /// Its key in the answer.
    pub key: String,
    /// Its name in the schema; empty for meta fields.
    pub name: &'static str,
    /// Its place in the document.
    pub location: Option<Location>,
    /// Its arguments as the document has them.
    pub arguments: Vec<Node<Argument>>,
    /// The fields that are wanted of its value.
    pub selection: Selection,
    /// `true` if its value may be null.
    pub nullable: bool,
    /// Which field of every schema it is; `None` for an operation.
    pub meta: Option<Meta>,
    /// `true` if callers with an API key may use it.
    pub allows_api_key: bool,
}

/// A field that every schema has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// `__typename`.
    TypeName,
    /// `__schema` or `__type`.
    Schema,
}

impl RootField {
    /// An error that belongs to this field.
    pub(super) fn error(&self, error_type: ErrorType, message: String) -> GraphqlError {
        let locations = self.location.into_iter().collect();
        GraphqlError { path: Some(self.key.clone()), error_type, locations, message }
    }

    /// An operation's refusal.
    pub(super) fn refusal(&self, error: &Error) -> GraphqlError {
        self.error(error.error_type(), error.to_string())
    }
}

impl Plan {
    /// Plans an operation of a validated document; variables decide its conditions.
    pub(super) fn new(
        schema: &Schema,
        document: &ExecutableDocument,
        operation: &Operation,
        variables: OperationVariables<'_>,
    ) -> Self {
        let collector = Collector { document, variables };
        let fields = collector.collect(&[&operation.selection_set]);
        let root = schema.object(operation.object_type());
        let fields = fields.into_iter().map(|(key, fields)| {
            let definition = root.and_then(|root| root.fields.get(fields[0].name.as_str()));
            collector.root_field(key, &fields, definition)
        });
        Self { kind: operation.operation_type, fields: fields.collect() }
    }
}

/// The name of a root field, for as long as the process runs.
fn schema_name(name: &str) -> &'static str {
    mesh_appsync::call::FIELDS.iter().find(|known| **known == name).copied().unwrap_or_default()
}

struct Collector<'a> {
    document: &'a ExecutableDocument,
    variables: OperationVariables<'a>,
}

/// Fields by their key in the answer, in its order.
type Fields<'a> = Vec<(&'a str, Vec<&'a Field>)>;

impl<'a> Collector<'a> {
    /// Fields without a definition are meta fields.
    fn root_field(
        &self,
        key: &str,
        fields: &[&'a Field],
        definition: Option<&Component<FieldDefinition>>,
    ) -> RootField {
        let field = fields[0];
        let path = (field.ty().inner_named_type() == MESSAGE).then(String::new);
        RootField {
            key: key.to_owned(),
            name: schema_name(&field.name),
            location: field
                .name
                .location()
                .and_then(|span| span.line_column(&self.document.sources))
                .map(|at| Location { line: at.line, column: at.column }),
            arguments: field.arguments.clone(),
            selection: definition.map_or(Selection::EMPTY, |_| self.selection(fields, path.as_deref())),
            nullable: !field.ty().is_non_null(),
            meta: match definition {
                Some(_) => None,
                None if field.name == TYPE_NAME => Some(Meta::TypeName),
                None => Some(Meta::Schema),
            },
            allows_api_key: definition.is_none_or(allows_api_key),
        }
    }

    /// The selection below fields that share a key. `path` leads from a live message to them.
    fn selection(&self, fields: &[&'a Field], path: Option<&str>) -> Selection {
        let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
        let mut selection = Selection::default();
        for (key, fields) in self.collect(&sets) {
            let name = fields[0].name.as_str();
            let path =
                path.map(|path| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") });
            let message_field =
                path.as_deref().map_or(MessageFields::NONE, mesh_appsync::message_fields::of_path);
            selection.push(key, name, message_field, self.selection(&fields, path.as_deref()));
        }
        selection
    }

    /// `CollectFields` of the GraphQL specification, section 6.3.2.
    fn collect(&self, sets: &[&'a SelectionSet]) -> Fields<'a> {
        let mut fields = Fields::new();
        let mut spread = HashSet::new();
        for set in sets {
            self.collect_into(&mut fields, &mut spread, set);
        }
        fields
    }

    fn collect_into(&self, fields: &mut Fields<'a>, spread: &mut HashSet<&'a str>, set: &'a SelectionSet) {
        for selected in &set.selections {
            if !self.is_wanted(selected) {
                continue;
            }
            match selected {
                Selected::Field(field) => {
                    let key = field.response_key().as_str();
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(field),
                        None => fields.push((key, vec![field])),
                    }
                }
                // The schema has neither interfaces nor unions, so every valid condition holds.
                Selected::InlineFragment(fragment) => {
                    self.collect_into(fields, spread, &fragment.selection_set);
                }
                Selected::FragmentSpread(named) => {
                    let name = named.fragment_name.as_str();
                    if spread.insert(name)
                        && let Some(fragment) = self.document.fragments.get(name)
                    {
                        self.collect_into(fields, spread, &fragment.selection_set);
                    }
                }
            }
        }
    }

    fn is_wanted(&self, selected: &Selected) -> bool {
        let condition = |directive: &str| {
            let value = selected.directives().get(directive)?.specified_argument_by_name("if")?;
            match value.as_variable() {
                Some(name) => self.variables.boolean(name),
                None => value.to_bool(),
            }
        };
        condition("skip") != Some(true) && condition("include") != Some(false)
    }
}
