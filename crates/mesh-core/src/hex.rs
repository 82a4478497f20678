//! Bytes as hex digits.
//!
//! Random bytes have no such room here: the rules give the same answers every time they run, and what is
//! random (ids, epochs, keys) is made by the homes, with `getrandom`.

use std::fmt;

/// Shows bytes as lower-case hex digits, two for each.
///
/// ```
/// assert_eq!(mesh_core::hex::Hex(&[0, 0xab]).to_string(), "00ab");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
