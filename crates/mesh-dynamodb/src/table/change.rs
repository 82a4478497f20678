//! Writing one item on a condition.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Item, Value};
use super::key::Key;

/// A change of one item on a condition.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(super) key: Key,
    pub(super) update: String,
    pub(super) condition: String,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Change {
    /// A change of the item of that key.
    pub(crate) fn of(key: Key) -> Self {
        Self { key, update: String::new(), condition: String::new(), names: None, values: None }
    }

    /// Sets the update expression.
    #[must_use]
    pub(crate) fn update(mut self, expression: impl Into<String>) -> Self {
        self.update = expression.into();
        self
    }

    /// Only if that holds too, as a condition expression.
    #[must_use]
    pub(crate) fn only_if(mut self, expression: &str) -> Self {
        if !self.condition.is_empty() {
            self.condition.push_str(" AND ");
        }
        self.condition.push_str(expression);
        self
    }

    /// Sets the value of a placeholder `:name`.
    #[must_use]
    pub(crate) fn value(mut self, placeholder: &str, value: impl Into<Value>) -> Self {
        self.values.get_or_insert_default().insert(placeholder.to_owned(), value.into().0);
        self
    }

    /// Sets the attribute of a placeholder `#name`.
    #[must_use]
    pub(crate) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.get_or_insert_default().insert(placeholder.to_owned(), name.to_owned());
        self
    }
}

/// A whole item to put on a condition.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(super) item: Item,
    pub(super) condition: String,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Put {
    /// An item under that key.
    pub(crate) fn new(key: Key, item: Item) -> Self {
        let item = item.with("pk", key.partition).with("sk", key.sort);
        Self { item, condition: "attribute_not_exists(pk)".to_owned(), values: None }
    }

    /// Only if that holds, instead of only if no such item is there.
    #[must_use]
    pub(crate) fn only_if(mut self, expression: &str) -> Self {
        expression.clone_into(&mut self.condition);
        self
    }

    /// Sets the value of a placeholder `:name`.
    #[must_use]
    pub(crate) fn value(mut self, placeholder: &str, value: impl Into<Value>) -> Self {
        self.values.get_or_insert_default().insert(placeholder.to_owned(), value.into().0);
        self
    }
}
