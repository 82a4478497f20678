//! A group's log of recorded events, as far as it is kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::cursor::{Position, Since};
use mesh_core::model::{BatchEvent, Event, EventSlice, PageRoom};
use mesh_core::settings::{Lifetimes, SINCE_LOOK_BACK};
use mesh_core::store::EventPage;

use super::memory::{block, in_queue, shared, shrink_queue, text};
use crate::rows::Dropped;

/// The most events that are kept of a group.
const GROUP_EVENTS: usize = 10_000;
/// The most memory of events that are kept of a group.
const GROUP_BYTES: usize = 8 << 20;

/// Calls in the order recorded, numbered without a gap.
#[derive(Default)]
pub(super) struct EventLog {
    calls: VecDeque<Kept>,
    next_call: u64,
    dropped: Dropped,
    events: usize,
    cost: usize,
}

struct Kept {
    batch: Arc<BatchEvent>,
    call: u64,
    /// The number of its first events that were dropped.
    from: usize,
    /// When it was recorded, by the steady clock.
    at: Duration,
}

impl EventLog {
    /// A log as it was before a restart, without its calls.
    pub(super) fn resumed(next_call: u64, dropped: Dropped) -> Self {
        Self { next_call, dropped, ..Self::default() }
    }

    /// The number that the next call gets.
    pub(super) fn next_call(&self) -> u64 {
        self.next_call
    }

    /// The place behind the last call.
    pub(super) fn end(&self) -> Position {
        Position { call: self.next_call, taken: 0 }
    }

    /// True if a place lies beyond the last event.
    pub(super) fn ends_before(&self, place: Position) -> bool {
        let last = self.calls.back().filter(|last| last.call + 1 == self.next_call);
        place > self.end() || last.is_some_and(|last| place > last.wholly_dropped().to && place < self.end())
    }

    /// The position up to which the log was dropped.
    pub(super) fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// All calls that are kept, with their numbers.
    pub(super) fn calls(&self) -> impl Iterator<Item = (u64, &BatchEvent)> {
        self.calls.iter().map(|kept| (kept.call, &*kept.batch))
    }

    /// What all calls that are kept cost in memory.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Adds a call; its number is [`Self::next_call`] or, for a log read back, a later one.
    pub(super) fn push(&mut self, batch: Arc<BatchEvent>, call: u64, at: Duration) {
        let from = if call == self.dropped.to.call { self.dropped.to.taken as usize } else { 0 };
        let kept = batch.events.get(from..).unwrap_or_default();
        self.events += kept.len();
        self.cost += cost_of(&batch);
        self.next_call = self.next_call.max(call + 1);
        self.calls.push_back(Kept { batch, call, from, at });
    }

    /// True if more is kept than a group may have.
    pub(super) fn is_over_full(&self) -> bool {
        self.events > GROUP_EVENTS || self.cost > GROUP_BYTES
    }

    /// Drops the oldest event; false if nothing is kept. The memory of a call is free once its last event is dropped.
    pub(super) fn drop_oldest_event(&mut self) -> bool {
        let Some(oldest) = self.calls.front_mut() else { return false };
        if oldest.from == oldest.batch.events.len() {
            self.pop_oldest_call();
            return self.drop_oldest_event();
        }
        self.events -= 1;
        oldest.from += 1;
        self.dropped = oldest.dropped_so_far();
        if oldest.from == oldest.batch.events.len() {
            self.pop_oldest_call();
        }
        true
    }

    fn pop_oldest_call(&mut self) {
        if let Some(oldest) = self.calls.pop_front() {
            self.cost -= cost_of(&oldest.batch);
            shrink_queue(&mut self.calls);
        }
    }

    /// Drops the oldest call.
    pub(super) fn drop_oldest_call(&mut self) {
        let call = self.first_call();
        while self.first_call() == call && self.drop_oldest_event() {}
    }

    /// The number of the oldest call that is kept, or of the next one.
    pub(super) fn first_call(&self) -> u64 {
        self.calls.front().map_or(self.next_call, |kept| kept.call)
    }

    /// When the oldest call was recorded, by the steady clock.
    pub(super) fn oldest_at(&self) -> Option<Duration> {
        self.calls.front().map(|kept| kept.at)
    }

    /// The events after `since`, at most 100, and from where on they were looked for. `position` is what a cursor of
    /// this epoch says, and none for one of another.
    pub(super) fn read(
        &self,
        now: Now,
        rules: &Lifetimes,
        since: Since,
        position: Option<Position>,
    ) -> (EventPage, Position) {
        let first_kept =
            self.calls.partition_point(|kept| !rules.keeps_event(now.steady.saturating_sub(kept.at)));
        let mut dropped = self.dropped;
        if let Some(gone) = first_kept.checked_sub(1).and_then(|last| self.calls.get(last)) {
            dropped = gone.wholly_dropped();
        }
        let nothing_dropped = dropped == Dropped::default();
        let from = match (since, position) {
            (Since::Time(time), _) => {
                let bound = time.minus(SINCE_LOOK_BACK);
                let first = self.calls.range(first_kept..).find(|kept| kept.batch.timestamp >= bound);
                Position { call: first.map_or(self.next_call, |kept| kept.call), taken: 0 }
            }
            (_, position) => position.unwrap_or_default(),
        };
        let complete = match (since, position) {
            (Since::Time(time), _) => dropped.last_at.is_none_or(|at| at < time),
            (Since::Cursor(_), Some(position)) => position >= dropped.to,
            (Since::Cursor(_), None) => false,
            (Since::Everything, _) => nothing_dropped,
        };
        (EventPage { events: self.slices(first_kept, from), complete }, from)
    }

    fn slices(&self, first_kept: usize, from: Position) -> Vec<EventSlice> {
        let mut room = PageRoom::default();
        let mut slices = Vec::new();
        let start = first_kept.max(self.calls.partition_point(|kept| kept.call < from.call));
        for kept in self.calls.range(start..) {
            if room.is_full() {
                break;
            }
            let taken = if kept.call == from.call { from.taken as usize } else { 0 };
            let first = taken.max(kept.from);
            let end = first + room.take(&kept.batch, first);
            if first < end {
                slices.push(EventSlice { batch: kept.batch.clone(), range: first..end, reader: None });
            }
        }
        slices
    }
}

impl Kept {
    fn dropped_so_far(&self) -> Dropped {
        // A call has at most 1,000 events.
        let taken = u32::try_from(self.from).unwrap_or(u32::MAX);
        Dropped { to: Position { call: self.call, taken }, last_at: Some(self.batch.timestamp) }
    }

    fn wholly_dropped(&self) -> Dropped {
        let taken = u32::try_from(self.batch.events.len()).unwrap_or(u32::MAX);
        Dropped { to: Position { call: self.call, taken }, last_at: Some(self.batch.timestamp) }
    }
}

/// What a call costs in memory: its texts and the structures around them.
fn cost_of(batch: &BatchEvent) -> usize {
    let string = |text: &String| block(text.capacity());
    let optional = |text: &Option<String>| text.as_ref().map_or(0, string);
    let texts = |event: &Event| string(&event.name) + optional(&event.payload) + optional(&event.order_key);
    in_queue::<Kept>()
        + shared(size_of::<BatchEvent>())
        + shared(size_of_val(&*batch.events))
        + text(batch.fired_by.as_str())
        + batch.events.iter().map(texts).sum::<usize>()
}
