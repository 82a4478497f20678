//! Places in a group's log of recorded events.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// The most characters of a cursor that names no reader; a live message's size counts one as this many.
pub const MAX_TEXT_LENGTH: usize = 32;

/// A position between two events of a group's log.
///
/// A group numbers its recorded calls without a gap, and a cursor says how far a reader got: through
/// every call before `call`, and through the first `taken` events of that one. It is a position and not
/// a time, so writers whose clocks differ can neither hide an event from a reader nor repeat one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which life of the store the numbers belong to; in another one they mean nothing.
    pub epoch: u32,
    /// The position itself.
    pub position: Position,
    /// The reader of this cursor, where the store tells readers apart: a store that knows what a
    /// reader was last served can let it go on exactly there. 64 random bits, so that nobody guesses another's.
    pub reader: Option<u64>,
}

/// A position in one life of a group's log; later places are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Position {
    /// The number of a recorded call, at most 2^48 - 1.
    pub call: u64,
    /// The number of its events before this position.
    pub taken: u32,
}

impl Cursor {
    const PREFIX: char = 'c';

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(Self::PREFIX)?.split('-');
        // `from_str_radix` would take a sign.
        let mut next = |digits: usize| {
            parts.next().map(|part| {
                let hex = part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
                (hex && part.len() <= digits).then(|| u64::from_str_radix(part, 16).ok()).flatten()
            })
        };
        let epoch = next(8)??.try_into().ok()?;
        let position = Position { call: next(12)??, taken: next(4)??.try_into().ok()? };
        let reader = match next(16) {
            None => None,
            Some(number) => Some(number?),
        };
        parts.next().is_none().then_some(Self { epoch, position, reader })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { call, taken } = self.position;
        write!(f, "{}{:x}-{call:x}-{taken:x}", Self::PREFIX, self.epoch)?;
        self.reader.map_or(Ok(()), |reader| write!(f, "-{reader:x}"))
    }
}

/// From where a poller wants events: the argument `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Everything that is kept: the empty string.
    Everything,
    /// Everything that was recorded after a moment.
    Time(Timestamp),
    /// Everything behind a position.
    Cursor(Cursor),
}

impl Since {
    /// The refusal of a cursor that the store cannot have given out.
    pub fn beyond_the_end() -> Error {
        Error::invalid("since is a cursor beyond the last event of the group")
    }

    /// Reads the argument: `""`, a cursor, or an ISO date-time with an offset.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for any other text.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::Everything);
        }
        Cursor::parse(text)
            .map(Self::Cursor)
            .or_else(|| Timestamp::parse(text).map(Self::Time))
            .ok_or_else(|| Error::invalid("since must be \"\", a date-time with an offset, or a cursor"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_cursor_fits() {
        let position = Position { call: (1 << 48) - 1, taken: 1000 };
        let longest = Cursor { epoch: u32::MAX, position, reader: None };
        assert!(longest.to_string().len() <= MAX_TEXT_LENGTH, "{longest}");
    }

    #[test]
    fn nothing_else_is_a_since() {
        for text in
            ["c", "c1", "c1-1", "c1-1-1-1-1", "c1-1-1-", "c+1-1-1", "cG-1-1", "C1-1-1", "now", " ", "c1-1-1 "]
        {
            let refused = Since::parse(text).expect_err(text);
            assert_eq!(refused.error_type().as_str(), "ValidationError");
        }
        assert_eq!(Since::parse("").unwrap(), Since::Everything);
        assert!(matches!(Since::parse("2026-11-23T00:00Z").unwrap(), Since::Time(_)));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            epoch: u32, call in 0..1_u64 << 48, taken in 0..=1000_u32, reader: Option<u64>,
        ) {
            let cursor = Cursor { epoch, position: Position { call, taken }, reader };
            prop_assert_eq!(Since::parse(&cursor.to_string()).unwrap(), Since::Cursor(cursor));
        }

        #[test]
        fn no_text_panics(text in "c?[-0-9a-f+]{0,40}|\\PC{0,40}") {
            let _ = Since::parse(&text);
        }
    }
}
