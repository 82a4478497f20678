//! Firing, recording and polling.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::cursor::{Cursor, Position};
use mesh_core::error::Result;
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{BatchEvent, CallNumber, Content, Event, MeshMessage, MessageFields};
use mesh_core::secret::Caller;
use mesh_core::store::{NewBatch, RecordedBatch};

use super::event_log::EventLog;
use super::memory::{in_queue, in_table, shrink_queue, shrink_table, text};
use super::{Changes, State};
use crate::rows::{CallRow, RepeatRow, Row};

impl State {
    pub(crate) fn fire_events(
        &mut self,
        now: Now,
        key: &GroupKey,
        caller: Caller<'_>,
        events: Arc<[Event]>,
        fields: MessageFields,
        change: &mut Changes,
    ) -> Result<MeshMessage> {
        self.group(now, key)?.check_caller(now, &self.settings.lifetimes, caller)?;
        let node = caller.id;
        self.group_mut(now, key)?.touch(now, node);
        self.append(now, key, node, events, fields, change)
    }

    pub(crate) fn record_events(
        &mut self,
        now: Now,
        key: &GroupKey,
        caller: Caller<'_>,
        call: &NewBatch,
        change: &mut Changes,
    ) -> Result<RecordedBatch> {
        self.group(now, key)?.check_caller(now, &self.settings.lifetimes, caller)?;
        let node = caller.id;
        self.forget_repeats(now, change);
        let epoch = self.epoch;
        let group = self.group_mut(now, key)?;
        group.touch(now, node);
        let reader = group.reader_of(node);
        let repeat_key = (node.clone(), call.digest);
        let repeated = group.repeats.get(&repeat_key).cloned();
        let is_repeated = repeated.is_some();
        if !is_repeated {
            self.append(now, key, node, call.sorted.clone(), MessageFields::ALL, change)?;
        }
        let group = self.group_mut(now, key)?;
        let answer = repeated.unwrap_or_else(|| {
            // Right behind what this node was last served, or right before its own batch.
            let before_own = Position { call: group.log.next_call() - 1, taken: 0 };
            let served = reader.and_then(|reader| group.readers.served(reader));
            let next_since = Cursor { epoch, position: served.unwrap_or(before_own), reader };
            // A call has at most 1,000 events.
            let count = u32::try_from(call.sorted.len()).unwrap_or(u32::MAX);
            RepeatRow { at: now.wall, count, next_since }
        });
        if let Some(reader) = reader {
            group.readers.told(reader, answer.next_since.position);
        }
        if !is_repeated {
            group.repeats.insert(repeat_key, answer.clone());
            change.rows.push(Row::Repeat(group.number, node.clone(), call.digest, answer.clone()));
            let id = group.record.key.id.clone();
            self.repeats.push_back((now.steady, id, node.clone(), call.digest));
            self.memory.repeats += cost_of_repeat(node);
        }
        Ok(RecordedBatch { count: answer.count as usize, next_since: answer.next_since, is_repeated })
    }

    /// Adds a call to a group's log and makes room for it.
    fn append(
        &mut self,
        now: Now,
        key: &GroupKey,
        node: &Id,
        events: Arc<[Event]>,
        fields: MessageFields,
        change: &mut Changes,
    ) -> Result<MeshMessage> {
        let epoch = self.epoch;
        let group = self.group_mut(now, key)?;
        let call = group.log.next_call();
        let batch = Arc::new(BatchEvent {
            group: group.record.key.clone(),
            fired_by: node.clone(),
            events,
            timestamp: now.wall,
            recorded: Some(CallNumber { epoch, call }),
        });
        let before = group.log.cost();
        group.log.push(batch.clone(), call, now.steady);
        let after = group.log.cost();
        let id = group.record.key.id.clone();
        let was_queued = group.events_queued.is_some();
        group.events_queued.get_or_insert(now.steady);
        change.rows.push(Row::Call(group.number, call, CallRow::of(&batch)));
        let message = MeshMessage {
            group: group.record.key.clone(),
            content: Content::BatchEvent(batch.clone()),
            fields,
        };
        change.messages.push((group.outbox.clone(), message.clone()));
        if !was_queued {
            self.oldest_calls.insert((now.steady, id.clone()));
        }
        self.memory.events += after - before;
        self.shares.change(&id, before, after);
        self.counts.events_kept += batch.events.len() as u64;
        self.make_room(&id, change);
        Ok(message)
    }

    /// Drops the oldest events of a group that has too many. If all groups together have too many, the group loses
    /// its own that has more than its share: one that floods takes nothing from one that keeps little.
    fn make_room(&mut self, id: &Id, change: &mut Changes) {
        let mut shortened = BTreeSet::new();
        if self.groups.get(id).is_some_and(|group| group.log.is_over_full()) {
            self.shorten(id, EventLog::is_over_full);
            shortened.insert(id.clone());
        }
        while self.memory.events > self.most.events {
            let share = self.most.events / self.shares.count().max(1);
            let is_over_share = self.groups.get(id).is_some_and(|group| group.log.cost() > share);
            let loser = if is_over_share { Some(id) } else { self.shares.heaviest() };
            let Some(loser) = loser.cloned() else { break };
            // One event at a time: the next one may be another group's to lose.
            let before = self.groups.get(&loser).map_or(0, |group| group.log.cost());
            self.shorten(&loser, |log| log.cost() == before);
            shortened.insert(loser);
        }
        self.write_shortened(&shortened, change);
    }

    /// Drops a group's oldest events while it has too many.
    fn shorten(&mut self, id: &Id, has_too_many: impl Fn(&EventLog) -> bool) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let before = group.log.cost();
        while has_too_many(&group.log) && group.log.drop_oldest_event() {
            self.counts.events_dropped += 1;
        }
        let after = group.log.cost();
        self.memory.events -= before - after;
        self.shares.change(id, before, after);
    }

    /// Drops events whose time is over. Reads skip them already.
    pub(super) fn drop_old_events(&mut self, now: Now, change: &mut Changes) {
        let rules = self.settings.lifetimes.clone();
        let is_old = |at: Duration| !rules.keeps_event(now.steady.saturating_sub(at));
        let mut shortened = BTreeSet::new();
        while let Some((at, id)) = self.oldest_calls.pop_first() {
            if !is_old(at) {
                self.oldest_calls.insert((at, id));
                break;
            }
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let before = group.log.cost();
            while group.log.oldest_at().is_some_and(is_old) {
                group.log.drop_oldest_call();
            }
            let after = group.log.cost();
            group.events_queued = group.log.oldest_at();
            self.oldest_calls.extend(group.events_queued.map(|at| (at, id.clone())));
            self.memory.events -= before - after;
            self.shares.change(&id, before, after);
            if after < before {
                shortened.insert(id);
            }
        }
        self.write_shortened(&shortened, change);
    }

    fn write_shortened(&self, ids: &BTreeSet<Id>, change: &mut Changes) {
        for group in ids.iter().filter_map(|id| self.groups.get(id)) {
            change.rows.extend([Row::DropCalls(group.number, group.log.first_call()), group.row()]);
        }
    }

    /// Forgets recorded calls that are no longer recognised.
    pub(super) fn forget_repeats(&mut self, now: Now, change: &mut Changes) {
        while let Some((at, ..)) = self.repeats.front() {
            let still_known = now.steady.saturating_sub(*at) < mesh_core::settings::REPEAT_WINDOW;
            if still_known && self.memory.repeats <= self.most.repeats {
                break;
            }
            let Some((_, id, node, digest)) = self.repeats.pop_front() else { break };
            self.repeats_forgotten += 1;
            self.memory.repeats -= cost_of_repeat(&node);
            if let Some(group) = self.groups.get_mut(&id) {
                change.rows.push(Row::DropRepeat(group.number, node.clone(), digest));
                group.repeats.remove(&(node, digest));
                shrink_table(&mut group.repeats);
            }
        }
        shrink_queue(&mut self.repeats);
    }
}

/// What it costs in memory to recognise a recorded call of that node.
pub(super) fn cost_of_repeat(node: &Id) -> usize {
    in_queue::<(Duration, Id, Id, [u8; 16])>() + in_table::<(Id, [u8; 16]), RepeatRow>() + text(node.as_str())
}
