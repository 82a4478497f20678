//! Writing a value in pieces, so that other work comes between them.

use crate::selection::{Bounded, Part, Selection, Sink, TYPE_NAME, put, write, write_text};
use crate::value::Value;

/// How far a value was written: on each level the number of its items or fields that are done.
#[derive(Debug, Default)]
pub struct Pieces {
    done: Vec<usize>,
}

impl Pieces {
    /// Writes the part of a value that `fields` wants on, until `out` has `until` bytes; a text is not divided.
    /// Returns `true` at the end, and when `out` takes no more. The value must be the same each time.
    pub fn write(
        &mut self,
        out: &mut Bounded<'_>,
        value: Value<'_>,
        fields: &Selection,
        until: usize,
    ) -> bool {
        self.write_on(0, out, value, fields, until) || out.is_full()
    }

    fn write_on(
        &mut self,
        level: usize,
        out: &mut Bounded<'_>,
        value: Value<'_>,
        fields: &Selection,
        until: usize,
    ) -> bool {
        match value {
            Value::List(list) => {
                self.begin(level, out, b"[");
                let mut has_ended = true;
                list.each_from(self.done[level], &mut |item| {
                    has_ended = self.go_on(level, out, until, b",")
                        && self.write_on(level + 1, out, item, fields, until);
                    self.done[level] += usize::from(has_ended);
                    has_ended
                });
                has_ended && self.end(level, out, b"]")
            }
            Value::Object(object) => {
                self.begin(level, out, b"{");
                while let Some((key, name, fields)) = fields.field(self.done[level]) {
                    let is_begun = self.done.len() > level + 1;
                    if !self.go_on(level, out, until, b",") {
                        return false;
                    }
                    if !is_begun {
                        put(out, key);
                    }
                    if name == TYPE_NAME {
                        write_text(out, object.type_name());
                    } else if !self.write_on(level + 1, out, object.field(name), fields, until) {
                        return false;
                    }
                    self.done[level] += 1;
                }
                self.end(level, out, b"}")
            }
            scalar => {
                write(out, scalar, &Selection::EMPTY, Part::Whole);
                true
            }
        }
    }

    fn begin(&mut self, level: usize, out: &mut Bounded<'_>, bracket: &[u8]) {
        if self.done.len() == level {
            put(out, bracket);
            self.done.push(0);
        }
    }

    /// Returns `false` if the next item or field has to wait; writes what stands before it, if it was not begun.
    fn go_on(&self, level: usize, out: &mut Bounded<'_>, until: usize, separator: &[u8]) -> bool {
        if out.is_full() || out.len() >= until {
            return false;
        }
        if self.done.len() == level + 1 && self.done[level] > 0 {
            put(out, separator);
        }
        true
    }

    fn end(&mut self, level: usize, out: &mut Bounded<'_>, bracket: &[u8]) -> bool {
        put(out, bracket);
        self.done.truncate(level);
        true
    }
}
