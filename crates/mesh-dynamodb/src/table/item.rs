//! The attributes of an item, written and read with their types.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use mesh_core::error::{Error, Result};
use mesh_core::time::Timestamp;

use super::key::Key;

/// The attributes of an item, or some of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Item(pub(crate) HashMap<String, AttributeValue>);

/// An item that is not as this store writes it.
#[derive(Debug, thiserror::Error)]
#[error("an item of the table has no usable attribute '{0}'")]
struct Malformed(&'static str);

fn missing(name: &'static str) -> Error {
    Error::Store(Malformed(name).into())
}

impl Item {
    /// Adds an attribute.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into().0);
        self
    }

    /// The item's key. The entries of an index have it too.
    pub(crate) fn key(&self) -> Result<Key> {
        Ok(Key { partition: self.text("pk")?.to_owned(), sort: self.text("sk")?.to_owned() })
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str> {
        self.optional_text(name).ok_or_else(|| missing(name))
    }

    /// A text that may be there.
    pub(crate) fn optional_text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    /// A number that must be there.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T> {
        self.optional_number(name).ok_or_else(|| missing(name))
    }

    /// A number that may be there.
    pub(crate) fn optional_number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    /// A moment that must be there.
    pub(crate) fn time(&self, name: &'static str) -> Result<Timestamp> {
        self.number(name).map(Timestamp::from_millis)
    }

    /// True if a switch is on; one that is not there is off.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.as_bool() == Ok(&true))
    }

    /// A map of attributes; one that is not there is empty.
    pub(crate) fn map(&self, name: &str) -> impl Iterator<Item = (&String, &AttributeValue)> {
        self.0.get(name).and_then(|value| value.as_m().ok()).into_iter().flatten()
    }

    /// Bytes, as DynamoDB counts them.
    ///
    /// Source: DynamoDB developer guide, "DynamoDB item sizes and formats".
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + bytes_of(value)).sum()
    }
}

fn bytes_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + bytes_of(value)).sum::<usize>()
        }
        // A switch; this store writes nothing else.
        _ => 1,
    }
}

/// The value of an attribute.
pub(crate) struct Value(pub(crate) AttributeValue);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(AttributeValue::S(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(AttributeValue::S(text))
    }
}

impl From<bool> for Value {
    fn from(switch: bool) -> Self {
        Self(AttributeValue::Bool(switch))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::from(time.as_millis())
    }
}

impl From<HashMap<String, AttributeValue>> for Value {
    fn from(map: HashMap<String, AttributeValue>) -> Self {
        Self(AttributeValue::M(map))
    }
}
