//! Values of the schema, as a selection reads them from the model.

use std::borrow::Cow;

use mesh_core::cursor::Cursor;
use mesh_core::time::Timestamp;

/// A value of the schema.
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A `Boolean`.
    Boolean(bool),
    /// An `Int`.
    Int(u32),
    /// A `String` or an `ID`.
    Text(Cow<'a, str>),
    /// An `AWSDateTime`.
    Time(Timestamp),
    /// A place in a log of events, a `String`.
    Cursor(Cursor),
    /// An object.
    Object(&'a dyn Object),
    /// A list.
    List(Box<dyn List + 'a>),
}

/// An object of the schema.
pub trait Object {
    /// The name of its type.
    fn type_name(&self) -> &'static str;

    /// The names of its fields, in the schema's order.
    fn fields(&self) -> &'static [&'static str];

    /// The value of a field; null for one that its type does not have.
    fn field(&self, name: &str) -> Value<'_>;
}

/// A list of the schema.
pub trait List {
    /// Shows the items from that number on, in order, until `visit` returns `false`.
    fn each_from(&self, first: usize, visit: &mut dyn FnMut(Value<'_>) -> bool);
}

impl<T: Object> List for &[T] {
    fn each_from(&self, first: usize, visit: &mut dyn FnMut(Value<'_>) -> bool) {
        self.iter().skip(first).all(|item| visit(Value::Object(item)));
    }
}

impl<'a> Value<'a> {
    /// A borrowed text.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A list of objects.
    pub fn list<T: Object>(items: &'a [T]) -> Self {
        Self::List(Box::new(items))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::text(text)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Value::Int(number)
    }
}

impl From<Cursor> for Value<'_> {
    fn from(cursor: Cursor) -> Self {
        Value::Cursor(cursor)
    }
}
