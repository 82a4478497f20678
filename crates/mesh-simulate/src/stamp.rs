//! The stamp that every mutation of a run carries, so that a receiver can identify it.

use std::fmt;
use std::time::Duration;

/// Sender, number and time of one mutation, written into its first value or payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The run, so that no message of an earlier one counts.
    pub(crate) run: u32,
    /// The sender's group, counted from 0.
    pub(crate) group: usize,
    /// The sender in its group, counted from 0; the host is 0.
    pub(crate) node: usize,
    /// The sender's mutations, counted from 0.
    pub(crate) number: usize,
    /// When it was due, in microseconds since the run's beginning: latencies count from here.
    pub(crate) due_micros: u64,
    /// The batch that it begins; none in a report.
    pub(crate) batch: Option<Batch>,
}

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

impl Stamp {
    /// Reads what [`Display`](fmt::Display) wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("mesh.")?.split('.');
        let mut next = || parts.next();
        let run = u32::from_str_radix(next()?, 16).ok()?;
        let (group, node, number) = (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?);
        let due_micros = next()?.parse().ok()?;
        let batch = match next() {
            None => None,
            Some(first) => Some(Batch {
                first_millis: first.parse().ok()?,
                step_millis: next()?.parse().ok()?,
                events: next()?.parse().ok()?,
            }),
        };
        next().is_none().then_some(Self { run, group, node, number, due_micros, batch })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, group, node, number, due_micros, batch } = self;
        write!(f, "mesh.{run:08x}.{group}.{node}.{number}.{due_micros}")?;
        match batch {
            None => Ok(()),
            Some(batch) => write!(f, ".{}.{}.{}", batch.first_millis, batch.step_millis, batch.events),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_as_written() {
        let report = Stamp { run: 7, group: 1, node: 39, number: 1_000, due_micros: 1 << 40, batch: None };
        let batch = Batch { first_millis: -5, step_millis: 33, events: 3 };
        for stamp in [report, Stamp { batch: Some(batch), ..report }] {
            assert_eq!(Stamp::parse(&stamp.to_string()), Some(stamp));
        }
        for text in
            ["", "mesh.", "7", "mesh.00000007.1.2.3", "mesh.00000007.1.2.3.4.5", "mesh.0.1.2.3.4.5.6.7.8"]
        {
            assert_eq!(Stamp::parse(text), None, "{text}");
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
