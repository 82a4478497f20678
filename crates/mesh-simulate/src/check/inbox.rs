//! The messages of one receiver, compared with the mutations that were sent.

use std::sync::Arc;

use mesh_core::time::Timestamp;
use parking_lot::Mutex;

use super::message::{Event, Message};
use super::{Faults, Outbox};
use crate::client::Group;
use crate::stamp::Stamp;

/// A group of a run, as its receivers know it.
pub(crate) struct Room {
    /// The run.
    pub(crate) run: u32,
    /// The group's index in the run.
    pub(crate) index: usize,
    /// Its key.
    pub(crate) group: Group,
    /// The ids of its nodes, the host's first.
    pub(crate) nodes: Vec<String>,
    /// The mutations of each of them.
    pub(crate) outboxes: Vec<Mutex<Outbox>>,
}

/// The messages of one receiver since it began to listen.
pub(crate) struct Inbox {
    room: Arc<Room>,
    since: u64,
    /// True if it polls: it gets events only.
    polls: bool,
    senders: Vec<Seen>,
    faults: Faults,
    /// The rest of a batch that came in several polls: its stamp and the next event's index.
    open_batch: Option<(Stamp, usize)>,
}

/// The numbers that came from one sender.
#[derive(Default)]
struct Seen {
    bits: Vec<u64>,
    /// One more than the highest number.
    next: usize,
}

impl Seen {
    fn has(&self, number: usize) -> bool {
        self.bits.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn add(&mut self, number: usize) {
        if self.bits.len() <= number / 64 {
            self.bits.resize(number / 64 + 1, 0);
        }
        self.bits[number / 64] |= 1 << (number % 64);
        self.next = self.next.max(number + 1);
    }
}

impl Inbox {
    /// An empty one. Times are microseconds since the run's beginning.
    pub(crate) fn new(room: Arc<Room>, since: u64, polls: bool) -> Self {
        let senders = room.nodes.iter().map(|_| Seen::default()).collect();
        Self { room, since, polls, senders, faults: Faults::default(), open_batch: None }
    }

    /// The faults so far, without missing messages.
    pub(crate) fn faults(&self) -> Faults {
        self.faults
    }

    /// Counts the messages published until `until` that are missing.
    pub(crate) fn missing(&self, until: u64) -> u64 {
        let pairs = self.senders.iter().zip(&self.room.outboxes);
        let missing = |(seen, outbox): (&Seen, &Mutex<Outbox>)| {
            let outbox = outbox.lock();
            outbox.due_to(self.since, until, self.polls).filter(|number| !seen.has(*number)).count()
        };
        u64::try_from(pairs.map(missing).sum::<usize>()).unwrap_or(u64::MAX)
    }

    /// Ends: everything missing is lost.
    pub(crate) fn close(mut self, until: u64) -> Faults {
        self.faults.lost += self.missing(until);
        self.faults
    }

    /// Something that cannot be read.
    pub(crate) fn take_damaged(&mut self) {
        self.faults.damaged += 1;
    }

    /// Takes a live message; answers the stamp of one that is new.
    pub(crate) fn take(&mut self, message: &Message) -> Option<Stamp> {
        if message.group_id != self.room.group.id || message.domain != self.room.group.domain {
            self.faults.leaked += 1;
            return None;
        }
        if let Some(status) = &message.node_status {
            let stamp = status.data.first().and_then(|item| Stamp::parse(item.value));
            let stamp = stamp.filter(|stamp| stamp.batch.is_none());
            return self.take_stamped(stamp, status.node_id);
        }
        let Some(batch) = &message.batch_event else {
            // Nothing but the end of the group, which nobody told it to expect.
            self.faults.damaged += 1;
            return None;
        };
        let stamp = batch.events.first().and_then(|event| Stamp::parse(event.payload?));
        let stamp = stamp.filter(|stamp| stamp.batch.is_some());
        if let Some(Stamp { batch: Some(sent), .. }) = &stamp {
            if sent.events != batch.events.len() {
                self.faults.damaged += 1;
            }
            for (index, event) in batch.events.iter().enumerate() {
                self.check_event(event, index, sent.fired_millis(index));
            }
        }
        self.take_stamped(stamp, batch.fired_by_node_id)
    }

    /// Takes an event of a poll; answers its stamp if it begins a batch that is new.
    pub(crate) fn take_polled(&mut self, event: &Event, fired_by: &str) -> Option<Stamp> {
        let stamp = event.payload.and_then(Stamp::parse).filter(|stamp| stamp.batch.is_some());
        let (stamp, index) = match (stamp, self.open_batch.take()) {
            (Some(stamp), left) => {
                // The batch before had more events.
                self.faults.damaged += u64::from(left.is_some());
                (stamp, 0)
            }
            (None, Some((stamp, index))) => (stamp, index),
            (None, None) => {
                self.faults.damaged += 1;
                return None;
            }
        };
        let batch = stamp.batch?;
        self.check_event(event, index, batch.fired_millis(index));
        self.open_batch = (index + 1 < batch.events).then_some((stamp, index + 1));
        if index > 0 { None } else { self.take_stamped(Some(stamp), fired_by) }
    }

    /// Events behind the first of a batch carry their index; all carry when they were fired.
    fn check_event(&mut self, event: &Event, index: usize, fired_millis: i64) {
        if index > 0 && event.payload.and_then(|payload| payload.parse().ok()) != Some(index) {
            self.faults.damaged += 1;
        }
        let fired = Timestamp::parse(event.timestamp).map(Timestamp::as_millis);
        if fired != Some(fired_millis) {
            self.faults.mistimed += 1;
        }
    }

    fn take_stamped(&mut self, stamp: Option<Stamp>, sender: &str) -> Option<Stamp> {
        let Some(stamp) = stamp else {
            self.faults.damaged += 1;
            return None;
        };
        if stamp.run != self.room.run || stamp.group != self.room.index {
            self.faults.leaked += 1;
            return None;
        }
        let was_sent =
            self.room.outboxes.get(stamp.node).is_some_and(|outbox| stamp.number < outbox.lock().len());
        if !was_sent || self.room.nodes[stamp.node] != sender {
            self.faults.damaged += 1;
            return None;
        }
        let seen = &mut self.senders[stamp.node];
        if seen.has(stamp.number) {
            self.faults.doubled += 1;
            return None;
        }
        self.faults.reordered += u64::from(stamp.number < seen.next);
        seen.add(stamp.number);
        Some(stamp)
    }
}

#[cfg(test)]
mod tests;
