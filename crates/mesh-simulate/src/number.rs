//! Counts as numbers with a fraction, and back. Counts of a run stay far below 2^53, where this would
//! begin to round.

#[allow(clippy::cast_precision_loss, reason = "see the module")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "see the module")]
pub(crate) fn float_of(size: usize) -> f64 {
    size as f64
}

/// The next whole number; 0 for negative ones.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such casts stop at the limits")]
pub(crate) fn whole(number: f64) -> u64 {
    number.ceil() as u64
}
