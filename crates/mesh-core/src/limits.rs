//! Limits that are visible in a request, each refused with a text that says what is allowed.
//!
//! Characters are Unicode scalar values. Limits that only the store can see are in
//! [`settings::Limits`](crate::settings::Limits) and [`StatusSize`].

use crate::error::{Error, Result};
use crate::id::{Domain, Id};
use crate::model::{Event, SensorData};
use crate::secret::Secret;

/// The most characters of an id.
pub const ID_CHARACTERS: usize = 128;
/// The most characters of a node's name.
pub const NODE_NAME_CHARACTERS: usize = 40;
/// The fewest and the most characters of a secret.
pub const SECRET_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=128;
/// The most characters of a domain, a group's name or a key.
pub const NAME_CHARACTERS: usize = 256;
/// The most events of one call.
pub const EVENTS: usize = 1_000;
/// The most items of one report. DynamoDB's update expressions (4,096 bytes) hold no more.
pub const REPORT_ITEMS: usize = 250;
/// The most characters of a name prefix.
pub const PREFIX_CHARACTERS: usize = 6;
/// The most groups that a search answers.
pub const SEARCH_RESULTS: i32 = 100;
/// The limit of a search that names none.
pub const DEFAULT_SEARCH_RESULTS: i32 = 10;
/// The most events in one answer to a poll.
pub const EVENTS_IN_ANSWER: usize = 100;
/// The most bytes of the events in one answer to a poll: 1 MB.
pub const PAGE_BYTES: usize = 1 << 20;
/// The most bytes of an answer's `data`, below the 6 MB that a function may answer: 5 MB.
///
/// Source: Lambda developer guide, "Lambda quotas".
pub const ANSWER_BYTES: usize = 5 << 20;
/// The most bytes of a live message: AppSync's 240 KB.
pub const MESSAGE_BYTES: usize = 240 * 1_024;
/// The most keys of a node's merged status.
pub const STATUS_KEYS: usize = 1_000;
/// The most bytes of all keys and values of a node's merged status.
pub const STATUS_BYTES: usize = 100 * 1_024;

/// Checks an id: 1 to 128 characters, no control characters. `argument` names it in the refusal.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn id(argument: &'static str, id: &Id) -> Result<()> {
    characters(argument, id.as_str(), ID_CHARACTERS)?;
    no_control_characters(argument, id.as_str())
}

/// Checks a node's name: 1 to 40 characters, no control characters.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn node_name(name: Option<&str>) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    characters("name", name, NODE_NAME_CHARACTERS)?;
    no_control_characters("name", name)
}

/// Checks a secret: 16 to 128 characters of any kind.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn secret(secret: Option<&Secret>) -> Result<()> {
    let Some(secret) = secret else { return Ok(()) };
    let (least, most) = (SECRET_CHARACTERS.start(), SECRET_CHARACTERS.end());
    if SECRET_CHARACTERS.contains(&secret.as_str().chars().count()) {
        return Ok(());
    }
    Err(Error::invalid(format!("secret must have {least} to {most} characters")))
}

fn no_control_characters(argument: &'static str, text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(format!("{argument} must not contain control characters")));
    }
    Ok(())
}

/// Checks a domain: 1 to 256 characters of any kind.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn domain(domain: &Domain) -> Result<()> {
    characters("domain", domain.as_str(), NAME_CHARACTERS)
}

/// Checks a group's name: 1 to 256 characters of any kind.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn group_name(name: &str) -> Result<()> {
    characters("name", name, NAME_CHARACTERS)
}

/// Checks a group's life span in seconds: 1 to `max`; none means `max`.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn connection_time(seconds: Option<i32>, max: u32) -> Result<u32> {
    seconds.map_or(Ok(max), |seconds| {
        u32::try_from(seconds)
            .ok()
            .filter(|seconds| (1..=max).contains(seconds))
            .ok_or_else(|| Error::invalid(format!("maxConnectionTimeSeconds must be 1 to {max}")))
    })
}

/// Checks the events of one call: 1 to 1,000. Their size is limited by the message that carries them.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn events(events: &[Event]) -> Result<()> {
    count("events", events.len(), EVENTS)
}

/// Checks a report: 1 to 250 items, each key 1 to 256 characters.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn report(data: &[SensorData]) -> Result<()> {
    count("data", data.len(), REPORT_ITEMS)?;
    data.iter().try_for_each(|item| characters("key", &item.key, NAME_CHARACTERS))
}

/// Checks a search: a prefix of 1 to 6 characters and a limit of 1 to 100 (none means 10).
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn search(prefix: &str, limit: Option<i32>) -> Result<usize> {
    characters("namePrefix", prefix, PREFIX_CHARACTERS)?;
    let limit = limit.unwrap_or(DEFAULT_SEARCH_RESULTS);
    usize::try_from(limit)
        .ok()
        .filter(|_| (1..=SEARCH_RESULTS).contains(&limit))
        .ok_or_else(|| Error::invalid(format!("limit must be 1 to {SEARCH_RESULTS}")))
}

/// Checks the size of a live message in bytes.
///
/// # Errors
///
/// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
pub fn message(bytes: usize) -> Result<()> {
    if bytes > MESSAGE_BYTES {
        // No sizes of the caller's: living clients take a message with "503" in it for a school's filter.
        return Err(Error::invalid(format!(
            "a live message may have at most {MESSAGE_BYTES} bytes (240 KB): send it in smaller parts"
        )));
    }
    Ok(())
}

/// The size of a node's merged status, now or after a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusSize {
    /// The number of keys.
    pub keys: usize,
    /// Bytes of all keys and values.
    pub bytes: usize,
}

impl StatusSize {
    /// Checks the merged status of a node: 1,000 keys and 100 KB.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if a limit is passed; the text says what is allowed.
    pub fn check(self) -> Result<()> {
        if self.keys > STATUS_KEYS {
            return Err(Error::invalid(format!("a node may hold at most {STATUS_KEYS} keys")));
        }
        if self.bytes > STATUS_BYTES {
            return Err(Error::invalid(format!(
                "a node's keys and values may have at most {STATUS_BYTES} bytes (100 KB)"
            )));
        }
        Ok(())
    }
}

fn characters(argument: &'static str, text: &str, max: usize) -> Result<()> {
    // Every character has at least one byte, so most texts need no counting.
    if text.is_empty() || (text.len() > max && text.chars().nth(max).is_some()) {
        return Err(Error::invalid(format!("{argument} must have 1 to {max} characters")));
    }
    Ok(())
}

fn count(argument: &'static str, given: usize, max: usize) -> Result<()> {
    if (1..=max).contains(&given) {
        Ok(())
    } else {
        Err(Error::invalid(format!("{argument} must have 1 to {max} items")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_scalar_values() {
        for (text, fine) in [
            ("", false),
            ("a", true),
            (&*"é".repeat(128), true),
            (&*"é".repeat(129), false),
            (&*"🦀".repeat(128), true),
            (&*"🦀".repeat(129), false),
            ("a#b@c", true),
            ("a\u{7f}", false),
            ("a\n", false),
            ("a\u{85}", false),
            ("\u{200b}", true),
        ] {
            assert_eq!(id("nodeId", &Id::from(text)).is_ok(), fine, "{text:?}");
        }
        assert!(domain(&Domain::from("a\nb")).is_ok());
    }

    #[test]
    fn a_life_span_has_bounds() {
        assert_eq!(connection_time(None, 300).unwrap(), 300);
        assert_eq!(connection_time(Some(1), 300).unwrap(), 1);
        assert_eq!(connection_time(Some(300), 300).unwrap(), 300);
        for seconds in [0, -1, 301, i32::MIN] {
            assert!(connection_time(Some(seconds), 300).is_err());
        }
    }

    #[test]
    fn a_search_has_bounds() {
        assert_eq!(search("あいうえおか", None).unwrap(), 10);
        assert_eq!(search("a", Some(100)).unwrap(), 100);
        for (prefix, limit) in
            [("", None), ("あいうえおかき", None), ("a", Some(0)), ("a", Some(101)), ("a", Some(-1))]
        {
            assert!(search(prefix, limit).is_err());
        }
    }

    #[test]
    fn a_status_has_bounds() {
        assert!(StatusSize { keys: 1_000, bytes: 102_400 }.check().is_ok());
        assert!(StatusSize { keys: 1_001, bytes: 0 }.check().is_err());
        assert!(StatusSize { keys: 0, bytes: 102_401 }.check().is_err());
    }
}
