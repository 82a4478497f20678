//! The messages of one receiver, compared with the mutations that were sent.

use std::collections::HashMap;
use std::sync::Arc;

use mesh_core::time::Timestamp;
use parking_lot::Mutex;

use super::message::{Event, Message};
use super::outbox::Sent;
use super::{Faults, Outbox};
use crate::batch::{Batch, parse_payload};
use crate::client::Group;

/// A group of a run, as its receivers know it.
pub(crate) struct Room {
    /// The group's index in the run.
    pub(crate) index: usize,
    /// Its key.
    pub(crate) group: Group,
    /// The ids of its nodes, the host's first. No two runs have one in common.
    pub(crate) nodes: Vec<String>,
    /// The mutations of each of them.
    pub(crate) outboxes: Vec<Mutex<Outbox>>,
    /// The index of each node, by its id.
    places: HashMap<String, usize>,
}

impl Room {
    /// Nobody has sent anything yet.
    pub(crate) fn new(index: usize, group: Group, nodes: Vec<String>) -> Self {
        let outboxes = nodes.iter().map(|_| Mutex::default()).collect();
        let places = nodes.iter().enumerate().map(|(place, id)| (id.clone(), place)).collect();
        Self { index, group, nodes, outboxes, places }
    }
}

/// The messages of one receiver since it began to listen.
pub(crate) struct Inbox {
    room: Arc<Room>,
    since: u64,
    /// True if it polls: it gets events only.
    polls: bool,
    senders: Vec<Seen>,
    faults: Faults,
    /// The rest of a batch that came in several polls.
    open_batch: Option<OpenBatch>,
}

/// A batch of which events are still to come.
struct OpenBatch {
    batch: Batch,
    /// The number and the index of the next event.
    next: (usize, usize),
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

    /// Takes a live message; answers when it was due, if it is new and was sent while this listened.
    pub(crate) fn take(&mut self, message: &Message) -> Option<u64> {
        if message.group_id != self.room.group.id || message.domain != self.room.group.domain {
            self.faults.leaked += 1;
            return None;
        }
        if let Some(status) = &message.node_status {
            let number = status.data.first().and_then(|item| item.value.parse().ok());
            let (sender, number, sent) = self.find(status.node_id, number, false)?;
            return self.note(sender, number, sent);
        }
        let Some(batch) = &message.batch_event else {
            // Nothing but the end of the group, which nobody told it to expect.
            self.faults.damaged += 1;
            return None;
        };
        let first = batch.events.first().and_then(payload_of).filter(|(_, index)| *index == 0);
        let number = first.map(|(number, _)| number);
        let (sender, number, sent) = self.find(batch.fired_by_node_id, number, true)?;
        if let Some(fired) = &sent.batch {
            self.faults.damaged += u64::from(fired.events != batch.events.len());
            for (index, event) in batch.events.iter().enumerate() {
                self.faults.damaged += u64::from(payload_of(event) != Some((number, index)));
                self.check_time(event, fired.fired_millis(index));
            }
        }
        self.note(sender, number, sent)
    }

    /// Takes an event of a poll; answers when it was due, if it begins a batch that is new and was sent while this
    /// listened.
    pub(crate) fn take_polled(&mut self, event: &Event, fired_by: &str) -> Option<u64> {
        let payload = payload_of(event);
        let open = self.open_batch.take();
        if let Some(OpenBatch { batch, next: (number, index) }) = open {
            if payload == Some((number, index)) {
                self.check_time(event, batch.fired_millis(index));
                self.keep_open(batch, number, index);
                return None;
            }
            // The batch before had more events.
            self.faults.damaged += 1;
        }
        let number = payload.filter(|(_, index)| *index == 0).map(|(number, _)| number);
        let (sender, number, sent) = self.find(fired_by, number, true)?;
        let batch = sent.batch?;
        self.check_time(event, batch.fired_millis(0));
        self.keep_open(batch, number, 0);
        self.note(sender, number, sent)
    }

    /// Remembers a batch of which the event at `index` came, if more are to come.
    fn keep_open(&mut self, batch: Batch, number: usize, index: usize) {
        self.open_batch =
            (index + 1 < batch.events).then_some(OpenBatch { batch, next: (number, index + 1) });
    }

    fn check_time(&mut self, event: &Event, fired_millis: i64) {
        let fired = Timestamp::parse(event.timestamp).map(Timestamp::as_millis);
        self.faults.mistimed += u64::from(fired != Some(fired_millis));
    }

    /// Finds what a message claims to be: its sender's place, its number, and what was sent under it.
    fn find(&mut self, sender: &str, number: Option<usize>, is_batch: bool) -> Option<(usize, usize, Sent)> {
        let Some(place) = self.room.places.get(sender).copied() else {
            self.faults.leaked += 1;
            return None;
        };
        let found = number.and_then(|number| Some((number, self.room.outboxes[place].lock().get(number)?)));
        let Some((number, sent)) = found.filter(|(_, sent)| sent.batch.is_some() == is_batch) else {
            self.faults.damaged += 1;
            return None;
        };
        Some((place, number, sent))
    }

    fn note(&mut self, sender: usize, number: usize, sent: Sent) -> Option<u64> {
        let seen = &mut self.senders[sender];
        if seen.has(number) {
            self.faults.doubled += 1;
            return None;
        }
        self.faults.reordered += u64::from(number < seen.next);
        seen.add(number);
        sent.is_of_time_since(self.since).then_some(sent.due)
    }
}

fn payload_of(event: &Event) -> Option<(usize, usize)> {
    event.payload.and_then(parse_payload)
}

#[cfg(test)]
mod tests;
