//! A batch of events: when each was fired, and how its payload tells what it is.

use std::time::Duration;

/// The times of a batch's events: one event each `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// When the first was fired, in milliseconds since the Unix epoch.
    pub(crate) first_millis: i64,
    /// Milliseconds from each event to the next.
    pub(crate) step_millis: i64,
    /// Their number.
    pub(crate) events: usize,
}

/// The time for which clients gather events before they fire them as one batch.
const GATHERING: Duration = Duration::from_secs(1);
/// One frame of a Scratch program, the least between two of its events.
const FRAME_MILLIS: i64 = 33;

impl Batch {
    /// So many events gathered until `fired_millis`.
    pub(crate) fn gathered(events: usize, fired_millis: i64) -> Self {
        let count = i64::try_from(events).unwrap_or(i64::MAX).max(1);
        let most = i64::try_from(GATHERING.as_millis()).unwrap_or(i64::MAX) / count;
        let step_millis = most.clamp(1, FRAME_MILLIS);
        Self { first_millis: fired_millis - step_millis * (count - 1), step_millis, events }
    }

    /// When the event at this index was fired.
    pub(crate) fn fired_millis(&self, index: usize) -> i64 {
        self.first_millis + self.step_millis * i64::try_from(index).unwrap_or(i64::MAX)
    }
}

/// The payload of an event: its mutation's number among those of its sender, behind the first event of a batch with
/// the index, as `17` and `17.1`.
pub(crate) fn payload(number: usize, index: usize) -> String {
    if index == 0 { number.to_string() } else { format!("{number}.{index}") }
}

/// The number and the index in a payload.
pub(crate) fn parse_payload(payload: &str) -> Option<(usize, usize)> {
    match payload.split_once('.') {
        None => Some((payload.parse().ok()?, 0)),
        Some((number, index)) => Some((number.parse().ok()?, index.parse().ok().filter(|index| *index > 0)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_as_written() {
        for (number, index) in [(0, 0), (17, 0), (17, 1), (1 << 40, 999)] {
            assert_eq!(parse_payload(&payload(number, index)), Some((number, index)));
        }
        for text in ["", ".", "x", "17.", "17.0", ".1", "17.1.1", "-1"] {
            assert_eq!(parse_payload(text), None, "{text}");
        }
    }

    #[test]
    fn batches_fit_into_the_time_in_which_they_were_gathered() {
        for (events, step) in [(1, 33), (2, 33), (30, 33), (100, 10), (1_000, 1), (5_000, 1)] {
            let batch = Batch::gathered(events, 1_000_000);
            assert_eq!((batch.step_millis, batch.fired_millis(events - 1)), (step, 1_000_000));
        }
    }
}
