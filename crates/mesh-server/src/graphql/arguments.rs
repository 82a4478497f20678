//! Arguments of root fields, coerced as the GraphQL specification says, straight into what an operation
//! reads: a batch of a thousand events is read once.
//!
//! The document was validated, so literals fit their types already; what is left to refuse are values of
//! variables, and texts that are no date-times.

use std::collections::HashMap;

use apollo_compiler::ast::{Argument, Value, VariableDefinition};
use apollo_compiler::executable::Operation;
use apollo_compiler::introspection::partial_execute;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;
use serde_json::value::RawValue;

use super::error::{Fault, GraphqlError};
use super::request::Variables;
use super::schema::Schema;

/// The variables of one operation, with their values and defaults.
#[derive(Clone, Copy)]
pub(super) struct OperationVariables<'a> {
    operation: &'a Operation,
    defaults: &'a Defaults,
    given: &'a Variables<'a>,
}

/// The default values of an operation's variables.
pub(super) struct Defaults(HashMap<Name, Node<Value>>);

impl Defaults {
    pub(super) fn of(operation: &Operation) -> Self {
        let default = |variable: &Node<VariableDefinition>| {
            Some((variable.name.clone(), variable.default_value.clone()?))
        };
        Self(operation.variables.iter().filter_map(default).collect())
    }
}

impl<'a> OperationVariables<'a> {
    pub(super) fn new(operation: &'a Operation, defaults: &'a Defaults, given: &'a Variables<'a>) -> Self {
        Self { operation, defaults, given }
    }

    /// The value of a variable: the one given, or its default.
    fn variable(self, name: &str) -> Option<Source<'a>> {
        let default = || self.defaults.0.get(name).map(|value| Source::Literal(value));
        self.given.get(name).map(Source::Json).or_else(default)
    }

    /// Refuses variables that must have a value and have none, and conditions that are no `Boolean`.
    /// Everything else is checked where it is read.
    pub(super) fn check(self) -> Result<(), GraphqlError> {
        let fits = |variable: &VariableDefinition| match self.given.get(&variable.name).map(RawValue::get) {
            None => !variable.ty.is_non_null() || variable.default_value.is_some(),
            Some("null") => !variable.ty.is_non_null(),
            Some(value) => {
                &**variable.ty.inner_named_type() != "Boolean" || matches!(value, "true" | "false")
            }
        };
        let wrong = self.operation.variables.iter().find(|variable| !fits(variable));
        wrong.map_or(Ok(()), |variable| Err(wrong_value(variable)))
    }

    /// The value of a variable of type `Boolean`.
    pub(super) fn boolean(self, name: &str) -> Option<bool> {
        match self.variable(name)? {
            Source::Json(json) => serde_json::from_str(json.get()).ok(),
            Source::Literal(literal) => literal.to_bool(),
        }
    }

    /// The source of a value; none if it is a variable without a value.
    fn source(self, value: &'a Value) -> Option<Source<'a>> {
        match value {
            Value::Variable(name) => self.variable(name),
            literal => Some(Source::Literal(literal)),
        }
    }

    fn coerced(self, value: &'a Value) -> Option<Coerced<'a>> {
        self.source(value).map(|source| Coerced { source, variables: self })
    }

    /// The arguments of a field, to be read by what its operation takes.
    pub(super) fn arguments(self, arguments: &'a [Node<Argument>]) -> impl Deserializer<'a, Error = Error> {
        MapDeserializer::new(
            arguments
                .iter()
                .filter_map(move |argument| Some((argument.name.as_str(), self.coerced(&argument.value)?))),
        )
    }

    /// Says which variable is wrong, without repeating its value.
    pub(super) fn wrong_variable(self, schema: &Schema) -> Option<GraphqlError> {
        let given = self.given.to_json();
        let mut alone = self.operation.clone();
        let wrong = self.operation.variables.iter().find(|variable| {
            alone.variables = vec![(*variable).clone()];
            coerce_variable_values(&schema.types, &alone, &given).is_err()
        })?;
        Some(wrong_value(wrong))
    }

    /// The answers of `__schema` and `__type` by their keys.
    pub(super) fn introspect(self, schema: &Schema, document: &Valid<ExecutableDocument>) -> Option<JsonMap> {
        let variables = coerce_variable_values(&schema.types, self.operation, &self.given.to_json()).ok()?;
        let answer =
            partial_execute(&schema.types, &schema.implementers, document, self.operation, &variables);
        answer.ok()?.data
    }
}

/// A variable whose value does not fit, which is not repeated.
fn wrong_value(variable: &VariableDefinition) -> GraphqlError {
    let detail = format!("variable '{}' does not have a value of type {}", variable.name, variable.ty);
    GraphqlError::validation(Fault::WrongType, &detail, vec![])
}

/// The place where a value stands.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// In the document.
    Literal(&'a Value),
    /// In the variables.
    Json(&'a RawValue),
}

/// A value as its type wants it: single values serve as lists of one, and only objects as objects.
#[derive(Clone, Copy)]
struct Coerced<'a> {
    source: Source<'a>,
    variables: OperationVariables<'a>,
}

impl<'a> Coerced<'a> {
    fn of_json(self, json: &'a RawValue) -> Self {
        Self { source: Source::Json(json), ..self }
    }

    fn is_null(self) -> bool {
        match self.source {
            Source::Literal(literal) => literal.is_null(),
            Source::Json(json) => json.get() == "null",
        }
    }
}

impl<'a> IntoDeserializer<'a, Error> for Coerced<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Coerced<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let literal = match self.source {
            Source::Json(json) => {
                return serde_json::Deserializer::from_str(json.get()).deserialize_any(visitor);
            }
            Source::Literal(literal) => literal,
        };
        match literal {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(boolean) => visitor.visit_bool(*boolean),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Enum(name) => visitor.visit_str(name),
            Value::Int(number) => visitor.visit_i64(number.try_to_i32().map_err(Error::custom)?.into()),
            Value::Float(number) => visitor.visit_f64(number.try_to_f64().map_err(Error::custom)?),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
            Value::Variable(_) => Err(Error::custom("a variable without a value")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// Source: GraphQL specification, October 2021, section 3.11, "Input Coercion" of lists.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.source {
            Source::Json(json) if json.get().starts_with('[') => {
                let items: Vec<&'de RawValue> = serde_json::from_str(json.get())?;
                let items = items.into_iter().map(|item| self.of_json(item));
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            Source::Literal(Value::List(items)) => {
                let items = items.iter().filter_map(|item| self.variables.coerced(item));
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            _ if self.is_null() => Err(Error::custom("null where a list is needed")),
            _ => visitor.visit_seq(SeqDeserializer::new(std::iter::once(self))),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.source {
            Source::Json(json) => serde_json::Deserializer::from_str(json.get()).deserialize_map(visitor),
            Source::Literal(Value::Object(fields)) => {
                let fields = fields
                    .iter()
                    .filter_map(|(name, value)| Some((name.as_str(), self.variables.coerced(value)?)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            Source::Literal(_) => Err(Error::custom("an object is needed")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct enum identifier ignored_any
    }
}
