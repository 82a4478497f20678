//! Which fields of an object are wanted, and writing just those as JSON.

use std::io::{self, Write};

use mesh_core::cursor::Cursor;
use mesh_core::model::MessageFields;

use crate::message_fields;
use crate::value::{Object, Value};

/// The name of the field that every type has.
pub const TYPE_NAME: &str = "__typename";

/// The fields that are wanted of an object, in the order of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection(Vec<SelectedField>);

/// A wanted field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SelectedField {
    name: Box<str>,
    /// The key in the answer, as `"key":`.
    key: Box<[u8]>,
    /// Which field of a live message it is; none elsewhere.
    message_field: MessageFields,
    /// The selection of the object or objects that it holds.
    fields: Selection,
}

/// The part of a live message that is written.
#[derive(Clone, Copy)]
pub enum Part {
    /// Everything that the selection wants.
    Whole,
    /// The fields of the set; the rest as null, as subscribers get what a mutation did not select.
    OthersAsNull(MessageFields),
    /// The fields of the set, and nothing else.
    Only(MessageFields),
}

/// A writer of JSON.
pub trait Sink: Write {
    /// Writes a cursor as a JSON string.
    fn cursor(&mut self, cursor: Cursor);

    /// Returns `true` if it takes nothing more: the rest of a value is then not looked at.
    fn is_full(&self) -> bool {
        false
    }
}

/// Keeps JSON up to a limit, and drops what is beyond it: what one small query can ask for may be larger
/// than the machine.
#[derive(Debug)]
pub struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    most: usize,
    is_full: bool,
}

impl<'a> Bounded<'a> {
    /// Appends to `out` until that has `most` bytes.
    pub fn new(out: &'a mut Vec<u8>, most: usize) -> Self {
        Self { out, most, is_full: false }
    }

    /// The bytes that `out` has.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.is_full |= self.out.len() + bytes.len() > self.most;
        if !self.is_full {
            self.out.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Bounded<'_> {
    fn cursor(&mut self, cursor: Cursor) {
        // Writing to memory cannot fail; a cursor needs no escaping.
        let _ = write!(self, "\"{cursor}\"");
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.is_full
    }
}

impl Sink for Vec<u8> {
    fn cursor(&mut self, cursor: Cursor) {
        // Writing to memory cannot fail; a cursor needs no escaping.
        let _ = write!(self, "\"{cursor}\"");
    }
}

impl Selection {
    /// No field at all, as of a scalar.
    pub const EMPTY: Self = Self(Vec::new());

    /// All fields of a live message and the type names, so that a [`Part`] can say which of them.
    pub fn of_message() -> Self {
        let mut all = Self::default();
        for path in message_fields::paths(message_fields::every()) {
            let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
            let mut at = &mut all;
            for parent in parents.split_terminator('/') {
                at = at.sub_selection(parent);
            }
            at.push(name, name, message_fields::of_path(path), Self::EMPTY);
        }
        all
    }

    /// Adds a field under a key of the answer. `message_field` says which field of a live message it
    /// is, for selections of one.
    pub fn push(&mut self, key: &str, name: &str, message_field: MessageFields, fields: Self) {
        let mut quoted = Vec::with_capacity(key.len() + 3);
        write_text(&mut quoted, key);
        quoted.push(b':');
        self.0.push(SelectedField { name: name.into(), key: quoted.into(), message_field, fields });
    }

    /// The fields of a live message that this selection of one wants.
    pub fn message_fields(&self) -> MessageFields {
        self.0
            .iter()
            .map(|field| field.message_field.union(field.fields.message_fields()))
            .fold(MessageFields::NONE, MessageFields::union)
    }

    /// True if some object shows a field more than once, under different keys.
    pub fn repeats_fields(&self) -> bool {
        let repeats = |(place, field): (usize, &SelectedField)| {
            self.0[..place].iter().any(|before| before.name == field.name) || field.fields.repeats_fields()
        };
        self.0.iter().enumerate().any(repeats)
    }

    /// The key of its field of that number, as `"key":`, with the field's name and selection.
    pub(crate) fn field(&self, number: usize) -> Option<(&[u8], &str, &Self)> {
        self.0.get(number).map(|field| (&*field.key, &*field.name, &field.fields))
    }

    fn sub_selection(&mut self, name: &str) -> &mut Self {
        let index = self.0.iter().position(|field| &*field.name == name).unwrap_or(0);
        &mut self.0[index].fields
    }

    /// Writes the part of `object` that is wanted.
    pub fn write(&self, out: &mut impl Sink, object: &dyn Object, part: Part) {
        let mut separator: &[u8] = b"{";
        for field in &self.0 {
            if out.is_full() {
                return;
            }
            let selected = part.holds(field.message_field);
            if !selected && matches!(part, Part::Only(_)) {
                continue;
            }
            put(out, separator);
            put(out, &field.key);
            separator = b",";
            if &*field.name == TYPE_NAME {
                write_text(out, object.type_name());
            } else if selected {
                self::write(out, object.field(&field.name), &field.fields, part);
            } else {
                put(out, b"null");
            }
        }
        put(out, if separator == b"{" { b"{}" } else { b"}" });
    }
}

impl Part {
    fn holds(self, field: MessageFields) -> bool {
        match self {
            Self::Whole => true,
            Self::OthersAsNull(fields) | Self::Only(fields) => fields.contains(field),
        }
    }
}

/// Writes a value, of its objects the part that `fields` wants.
pub fn write(out: &mut impl Sink, value: Value<'_>, fields: &Selection, part: Part) {
    match value {
        Value::Null => put(out, b"null"),
        Value::Boolean(true) => put(out, b"true"),
        Value::Boolean(false) => put(out, b"false"),
        // Writing to memory cannot fail.
        Value::Int(number) => drop(write!(out, "{number}")),
        Value::Text(text) => write_text(out, &text),
        Value::Time(time) => {
            put(out, b"\"");
            put(out, time.to_text().as_str().as_bytes());
            put(out, b"\"");
        }
        Value::Cursor(cursor) => out.cursor(cursor),
        Value::Object(object) => fields.write(out, object, part),
        Value::List(list) => {
            let mut separator: &[u8] = b"[";
            list.each_from(0, &mut |item| {
                put(out, separator);
                separator = b",";
                write(out, item, fields, part);
                !out.is_full()
            });
            put(out, if separator == b"[" { b"[]" } else { b"]" });
        }
    }
}

/// Writes a value with every field of its objects.
pub fn write_all(out: &mut impl Sink, value: Value<'_>) {
    match value {
        Value::Object(object) => {
            let mut separator: &[u8] = b"{";
            for name in object.fields() {
                put(out, separator);
                separator = b",";
                write_text(out, name);
                put(out, b":");
                write_all(out, object.field(name));
            }
            put(out, b"}");
        }
        Value::List(list) => {
            let mut separator: &[u8] = b"[";
            list.each_from(0, &mut |item| {
                put(out, separator);
                separator = b",";
                write_all(out, item);
                !out.is_full()
            });
            put(out, if separator == b"[" { b"[]" } else { b"]" });
        }
        scalar => write(out, scalar, &Selection::EMPTY, Part::Whole),
    }
}

/// Writes a JSON string.
pub fn write_text(out: &mut impl Write, text: &str) {
    // Writing to memory cannot fail, and a text is always valid JSON.
    let _ = serde_json::to_writer(out, text);
}

pub(crate) fn put(out: &mut impl Write, bytes: &[u8]) {
    // Writing to memory cannot fail.
    let _ = out.write_all(bytes);
}
