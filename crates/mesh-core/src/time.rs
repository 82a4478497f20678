//! Moments, as AppSync's `AWSDateTime` writes them.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil;
use jiff::tz::Offset;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

/// A moment in UTC, in whole milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Length of every written timestamp: `2026-11-23T09:30:00.000Z`.
pub const TEXT_LENGTH: usize = 24;

/// From 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;
/// The Unix epoch as a date and a time of day.
const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// The moment `milliseconds` after the Unix epoch; beyond the years 0 to 9999 the nearest
    /// moment that can be written.
    pub fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds.clamp(*RANGE.start(), *RANGE.end()))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(span)))
    }

    /// The moment `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(span)))
    }

    /// Milliseconds from `earlier` to this moment; negative if it is the later one.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Reads an `AWSDateTime`: `YYYY-MM-DDThh:mm[:ss[.1-9 digits]]` and `Z` or `±hh:mm[:ss]`.
    /// Digits beyond the millisecond are cut. `None` where the text is no such moment.
    ///
    /// Source: AppSync developer guide, "Scalar types in AWS AppSync".
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Reader(text.as_bytes());
        let date = civil::Date::new(rest.digits(4)?, rest.after(b'-')?, rest.after(b'-')?).ok()?;
        let (hour, minute) = (rest.after(b'T')?, rest.after(b':')?);
        let second: i8 = if rest.peek() == Some(b':') { rest.after(b':')? } else { 0 };
        let has_seconds = text.as_bytes().get(16) == Some(&b':');
        let nanos = if has_seconds && rest.peek() == Some(b'.') { rest.fraction()? } else { 0 };
        let time = civil::Time::new(hour, minute, second, nanos).ok()?;
        let offset = rest.offset()?;
        if !rest.0.is_empty() {
            return None;
        }
        // Not by way of jiff's timestamps, which end a day before the last date.
        let local = civil::DateTime::from_parts(date, time).duration_since(EPOCH).as_nanos();
        let nanos = local - i128::from(offset.seconds()) * 1_000_000_000;
        i64::try_from(nanos.div_euclid(1_000_000)).ok().filter(|millis| RANGE.contains(millis)).map(Self)
    }

    /// The text of this moment: UTC, three fraction digits, `Z`.
    pub fn to_text(self) -> Text {
        let date_time = match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => Offset::UTC.to_datetime(moment),
            // The last day of 9999. In range by construction, so the fallback is never taken.
            Err(_) => EPOCH.checked_add(SignedDuration::from_millis(self.0)).unwrap_or(EPOCH),
        };
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, width: usize, value: i32| {
            let mut value = value.unsigned_abs();
            for digit in text[at..at + width].iter_mut().rev() {
                // A remainder below ten fits one byte.
                *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
                value /= 10;
            }
        };
        put(0, 4, date_time.year().into());
        put(5, 2, date_time.month().into());
        put(8, 2, date_time.day().into());
        put(11, 2, date_time.hour().into());
        put(14, 2, date_time.minute().into());
        put(17, 2, date_time.second().into());
        put(20, 3, date_time.millisecond().into());
        Text(text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_text().as_str())
    }
}

/// Text where people read it, milliseconds elsewhere.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.to_text().as_str())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self::from_millis);
        }
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a date-time with an offset"))
    }
}

/// A written [`Timestamp`], without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text([u8; TEXT_LENGTH]);

impl Text {
    /// The text; digits and punctuation alone, so it needs no escaping in JSON.
    pub fn as_str(&self) -> &str {
        // Made of ASCII digits alone, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A span in milliseconds, at most `i64::MAX`.
pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The rest of a date-time that is being read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        let rest = self.0.strip_prefix(&[byte])?;
        self.0 = rest;
        Some(())
    }

    fn digits(&mut self, count: usize) -> Option<i16> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0_i16, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'))
        })
    }

    /// Two digits behind `byte`.
    fn after(&mut self, byte: u8) -> Option<i8> {
        self.skip(byte)?;
        self.digits(2)?.try_into().ok()
    }

    /// One to nine digits behind a point, as nanoseconds.
    fn fraction(&mut self) -> Option<i32> {
        self.skip(b'.')?;
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&count) {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let padded = digits.iter().map(|digit| i32::from(digit - b'0')).chain(std::iter::repeat(0)).take(9);
        Some(padded.fold(0, |nanos, digit| nanos * 10 + digit))
    }

    fn offset(&mut self) -> Option<Offset> {
        let sign = match self.peek()? {
            b'Z' => return self.skip(b'Z').map(|()| Offset::UTC),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.digits(2)?;
        let minutes = self.after(b':')?;
        let seconds = if self.peek() == Some(b':') { self.after(b':')? } else { 0 };
        if hours > 18 || minutes > 59 || seconds > 59 {
            return None;
        }
        let total = i32::from(hours) * 3600 + i32::from(minutes) * 60 + i32::from(seconds);
        Offset::from_seconds(sign * total).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(text: &str) -> Option<String> {
        Timestamp::parse(text).map(|moment| moment.to_string())
    }

    #[test]
    fn reads_what_appsync_reads() {
        for (given, expected) in [
            ("2026-11-23T09:30:15.123Z", "2026-11-23T09:30:15.123Z"),
            ("2026-11-23T09:30Z", "2026-11-23T09:30:00.000Z"),
            ("2026-11-23T09:30:15Z", "2026-11-23T09:30:15.000Z"),
            ("2026-11-23T09:30:15.9Z", "2026-11-23T09:30:15.900Z"),
            ("2026-11-23T09:30:15.123999999Z", "2026-11-23T09:30:15.123Z"),
            ("2026-11-23T09:30:15.5+09:00", "2026-11-23T00:30:15.500Z"),
            ("2026-11-23T09:30:15-01:30:30", "2026-11-23T11:00:45.000Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T00:00:00+09:00", "9999-12-30T15:00:00.000Z"),
            ("2024-02-29T00:00Z", "2024-02-29T00:00:00.000Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(round_trip(given).as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for given in [
            "",
            "2026-11-23",
            "2026-11-23T09:30",
            "2026-11-23T09:30:15",
            "2026-11-23T09:30:15.Z",
            "2026-11-23T09:30.5Z",
            "2026-11-23T09:30:15.1234567890Z",
            "2026-11-23 09:30:15Z",
            "2026-11-23t09:30:15z",
            "2026-11-23T09:30:15Z ",
            "2026-11-23T24:00:00Z",
            "2026-11-23T09:60:00Z",
            "2026-11-23T09:30:60Z",
            "2025-02-29T00:00Z",
            "2026-13-01T00:00Z",
            "2026-00-01T00:00Z",
            "20261123T093015Z",
            "+2026-11-23T09:30Z",
            "2026-11-23T09:30+9:00",
            "2026-11-23T09:30+19:00",
            "2026-11-23T09:30+0900",
            "0000-01-01T00:00:00+00:01",
            "２026-11-23T09:30Z",
        ] {
            assert_eq!(round_trip(given), None, "{given}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in *RANGE.start()..=*RANGE.end()) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(moment.to_text().as_str()), Some(moment));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = Timestamp::parse(&text);
        }

        #[test]
        fn texts_sort_as_their_moments(a in *RANGE.start()..=*RANGE.end(), b in *RANGE.start()..=*RANGE.end()) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
