//! A date-time.

use mesh_core::time::Timestamp;

/// A moment that was read is the one that another library reads, and is written as what reads as the same.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(moment) = Timestamp::parse(text) else { return };
    assert_eq!(Timestamp::parse(moment.to_text().as_str()), Some(moment));
    // It ends a day before the last date.
    if let Ok(theirs) = text.parse::<jiff::Timestamp>() {
        let milliseconds = theirs.as_nanosecond().div_euclid(1_000_000);
        assert_eq!(i128::from(moment.as_millis()), milliseconds, "{text}");
    }
}
