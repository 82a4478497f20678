//! Variables and arguments, coerced as the GraphQL specification says.

use apollo_compiler::executable::Operation;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use parking_lot::Mutex;

use super::document::Document;
use super::error::{Fault, GraphqlError};
use super::schema::Schema;

/// The variables of a request, coerced to their types.
pub(super) fn variables(
    schema: &Schema,
    operation: &Operation,
    given: &JsonMap,
) -> Result<Valid<JsonMap>, GraphqlError> {
    coerce_variable_values(&schema.types, operation, given).map_err(|_| {
        let detail = wrong_variable(schema, operation, given);
        GraphqlError::validation(Fault::WrongType, &detail, vec![])
    })
}

/// Says which variable is wrong. The library's own text would repeat the value.
fn wrong_variable(schema: &Schema, operation: &Operation, given: &JsonMap) -> String {
    let mut alone = operation.clone();
    for variable in &operation.variables {
        alone.variables = vec![variable.clone()];
        if coerce_variable_values(&schema.types, &alone, given).is_err() {
            return format!("variable '{}' does not have a value of type {}", variable.name, variable.ty);
        }
    }
    "the variables do not fit their types".to_owned()
}

/// What is known of an operation's root fields before any of them runs.
pub(super) struct RootFields {
    /// The arguments of each by its key in the answer.
    pub(super) arguments: Vec<(String, JsonMap)>,
    /// The answers of meta fields by their keys.
    pub(super) meta: JsonMap,
}

/// Coerces the arguments of all root fields and answers the meta fields.
pub(super) fn root_fields(
    schema: &Schema,
    document: &Document,
    operation: &Operation,
    variables: &Valid<JsonMap>,
) -> Result<RootFields, GraphqlError> {
    let root = Collect { type_name: operation.object_type().as_str(), arguments: Mutex::default() };
    let refused = || {
        let detail = "an argument does not fit its type";
        GraphqlError::validation(Fault::WrongType, detail, vec![])
    };
    let answer = Execution::new(&schema.types, &document.executable)
        .implementers_map(&schema.implementers)
        .operation(operation)
        .coerced_variable_values(variables)
        .enable_schema_introspection(true)
        .execute_sync(&root)
        .map_err(|_| refused())?;
    if !answer.errors.is_empty() {
        return Err(refused());
    }
    Ok(RootFields { arguments: root.arguments.into_inner(), meta: answer.data.unwrap_or_default() })
}

/// A root object that only notes which arguments its fields are asked with.
struct Collect<'a> {
    type_name: &'a str,
    arguments: Mutex<Vec<(String, JsonMap)>>,
}

impl ObjectValue for Collect<'_> {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let key = info.field_selections()[0].response_key().to_string();
        self.arguments.lock().push((key, info.arguments().clone()));
        Ok(ResolvedValue::SkipForPartialExecution)
    }
}
