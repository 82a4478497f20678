//! The mutations of one node, by number.

/// Everything that one node sent, by number.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Vec<Sent>);

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: u64,
    /// None while it is under way, and for good when nobody knows what became of it.
    answered: Option<u64>,
    is_batch: bool,
}

impl Outbox {
    /// Notes that a mutation is sent; answers its number. Times are microseconds since the run's
    /// beginning.
    pub(crate) fn send(&mut self, at: u64, is_batch: bool) -> usize {
        self.0.push(Sent { at, answered: None, is_batch });
        self.0.len() - 1
    }

    /// Notes that it was taken.
    pub(crate) fn answered(&mut self, number: usize, at: u64) {
        if let Some(sent) = self.0.get_mut(number) {
            sent.answered = Some(at);
        }
    }

    /// The number of mutations.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
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
            (in_time && (sent.is_batch || !only_batches)).then_some(number)
        })
    }
}
