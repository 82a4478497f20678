//! The schema, read from schema.graphql as AppSync reads it.

use std::collections::HashMap;

use apollo_compiler::collections::HashMap as ApolloMap;
use apollo_compiler::schema::{Component, FieldDefinition, Implementers, ObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema as ApolloSchema};

/// The contract that AppSync and this server share.
pub const SDL: &str = include_str!("../../../../schema.graphql");

/// The text that AppSync adds to every schema: its scalars and directives.
///
/// Source: AppSync developer guide, "Scalar types in AWS AppSync" and "Authorization use cases".
const PRELUDE: &str = r"
scalar AWSDate
scalar AWSTime
scalar AWSDateTime
scalar AWSTimestamp
scalar AWSEmail
scalar AWSJSON
scalar AWSURL
scalar AWSPhone
scalar AWSIPAddress
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
";

/// A validated schema.
pub struct Schema {
    /// The types.
    pub types: Valid<ApolloSchema>,
    /// For introspection.
    pub implementers: ApolloMap<Name, Implementers>,
    /// Which subscription field each mutation's result goes to.
    subscriptions: HashMap<String, String>,
}

/// A schema that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("schema.graphql cannot be served: {0}")]
pub struct SchemaError(String);

impl Schema {
    /// Reads schema.graphql.
    ///
    /// # Errors
    ///
    /// The schema of this program is not valid.
    pub fn load() -> Result<Self, SchemaError> {
        let types = ApolloSchema::builder()
            .parse(PRELUDE, "appsync.graphql")
            .parse(SDL, "schema.graphql")
            .build()
            .map_err(|error| SchemaError(error.to_string()))?
            .validate()
            .map_err(|error| SchemaError(error.to_string()))?;
        let implementers = types.implementers_map();
        let subscriptions = subscriptions(&types);
        Ok(Self { types, implementers, subscriptions })
    }

    /// The subscription field that a mutation's result goes to, by `@aws_subscribe`.
    pub fn subscription_of(&self, mutation: &str) -> Option<&str> {
        self.subscriptions.get(mutation).map(String::as_str)
    }

    /// A type's definition, if it is an object type.
    pub fn object(&self, name: &str) -> Option<&Node<ObjectType>> {
        self.types.get_object(name)
    }
}

fn subscriptions(types: &ApolloSchema) -> HashMap<String, String> {
    let root = types.schema_definition.subscription.as_ref().and_then(|name| types.get_object(name));
    let mut mutations = HashMap::new();
    for (field, definition) in root.into_iter().flat_map(|root| &root.fields) {
        let directive = definition.directives.get("aws_subscribe");
        let names = directive.and_then(|directive| directive.specified_argument_by_name("mutations"));
        for name in names.and_then(|names| names.as_list()).into_iter().flatten() {
            mutations.extend(name.as_str().map(|name| (name.to_owned(), field.to_string())));
        }
    }
    mutations
}

/// Returns `true` if callers with an API key may use a field. It is the API's default mode, so it serves every
/// field that does not name another one alone.
pub fn allows_api_key(field: &Component<FieldDefinition>) -> bool {
    field.directives.get("aws_api_key").is_some() || field.directives.get("aws_iam").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_who_publishes_and_who_may() {
        let schema = Schema::load().unwrap();
        for mutation in
            ["reportDataByNode", "reportStatus", "fireEventsByNode", "dissolveGroup", "publishEventsByNode"]
        {
            assert_eq!(schema.subscription_of(mutation), Some("onMessageInGroup"), "{mutation}");
        }
        assert_eq!(schema.subscription_of("createGroup"), None);
        let fields = &schema.object("Mutation").unwrap().fields;
        assert!(!allows_api_key(&fields["publishEventsByNode"]));
        assert!(allows_api_key(&fields["createGroup"]));
    }
}
