//! Names that clients choose: ids, domains, and the pair of both that names a group.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// The id of a group or a node: any text of 1 to 128 characters without control characters, as
/// [`limits::id`](crate::limits::id) checks. Cheap to clone.
///
/// GraphQL's `ID` takes integers too; they are read as their decimal text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Id(Arc<str>);

/// The network or word inside which groups are found: any text of 1 to 256 characters, as
/// [`limits::domain`](crate::limits::domain) checks. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Domain(Arc<str>);

/// The name of a group in every request: its id and its domain. The right id with
/// another domain names nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey {
    /// The group's id.
    pub id: Id,
    /// The group's domain.
    pub domain: Domain,
}

impl Id {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Domain {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for Id {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl<T: Into<Arc<str>>> From<T> for Domain {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.domain.as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrInteger;

        impl Visitor<'_> for TextOrInteger {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }

            fn visit_str<E>(self, text: &str) -> Result<Id, E> {
                Ok(Id::from(text))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
                Ok(Id::from(number.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
                Ok(Id::from(number.to_string()))
            }
        }

        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TextOrInteger)
        } else {
            deserializer.deserialize_str(TextOrInteger)
        }
    }
}
