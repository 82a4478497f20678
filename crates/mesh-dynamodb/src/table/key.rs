//! The key of an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) partition: String,
    pub(crate) sort: String,
}

impl Key {
    /// The key as requests have it.
    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        [("pk".to_owned(), text(&self.partition)), ("sk".to_owned(), text(&self.sort))].into()
    }
}
