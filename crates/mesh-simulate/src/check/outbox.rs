//! The mutations of one node, by number.

use crate::batch::Batch;

/// Everything that one node sent, by number.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Vec<Sent>);

/// One mutation. Times are microseconds since the run's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// When it was due: latencies count from here.
    pub(crate) due: u64,
    /// When it was sent.
    at: u64,
    /// None while it is under way, and for good when nobody knows what became of it.
    answered: Option<u64>,
    /// The batch of events that it is; none in a report.
    pub(crate) batch: Option<Batch>,
}

impl Outbox {
    /// Notes that a mutation is sent; answers its number.
    pub(crate) fn send(&mut self, due: u64, at: u64, batch: Option<Batch>) -> usize {
        self.0.push(Sent { due, at, answered: None, batch });
        self.0.len() - 1
    }

    /// Notes that it was taken.
    pub(crate) fn answered(&mut self, number: usize, at: u64) {
        if let Some(sent) = self.0.get_mut(number) {
            sent.answered = Some(at);
        }
    }

    /// The mutation with a number.
    pub(crate) fn get(&self, number: usize) -> Option<Sent> {
        self.0.get(number).copied()
    }

    /// The numbers of what must have reached whoever listened from `since` until `until`: sent and
    /// answered meanwhile. What was under way at either end may have, and may not.
    pub(crate) fn due_to(
        &self,
        since: u64,
        until: u64,
        only_batches: bool,
    ) -> impl Iterator<Item = usize> + '_ {
        // Mutations sent before the receiver came are at the front; late receivers are rare.
        let first = self.0.partition_point(|sent| sent.at < since);
        self.0.iter().enumerate().skip(first).filter_map(move |(number, sent)| {
            let in_time = sent.answered.is_some_and(|answered| answered <= until);
            (in_time && (sent.batch.is_some() || !only_batches)).then_some(number)
        })
    }
}

impl Sent {
    /// Returns `true` if it was sent while somebody listened who began at `since`. Whoever polls is served what is
    /// still kept of earlier ones, too, and how old those are says nothing of the endpoint.
    pub(crate) fn is_of_time_since(&self, since: u64) -> bool {
        self.at >= since
    }
}
