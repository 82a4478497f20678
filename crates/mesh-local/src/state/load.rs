//! Building the state from the rows that the journal kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::id::Id;
use mesh_core::model::{BatchEvent, CallNumber};
use mesh_core::settings::{elapsed, seconds};
use mesh_core::time::Timestamp;

use super::State;
use super::event_log::EventLog;
use super::events::cost_of_repeat;
use super::group::{GroupState, Member};
use super::readers::Readers;
use crate::LocalSettings;
use crate::rows::{CallRow, EndedRow, GroupRow, MemberRow, RepeatRow, Row, ValueRow};

/// The rows of a log that are still in force.
#[derive(Default)]
pub(crate) struct Loaded {
    groups: HashMap<u64, LoadedGroup>,
    ended: HashMap<u64, EndedRow>,
}

/// The rows of one group.
#[derive(Default)]
struct LoadedGroup {
    row: Option<Box<GroupRow>>,
    members: HashMap<Id, MemberRow>,
    values: HashMap<Id, HashMap<Arc<str>, ValueRow>>,
    calls: BTreeMap<u64, CallRow>,
    repeats: HashMap<(Id, [u8; 16]), RepeatRow>,
}

impl Loaded {
    /// Takes the next row of a log.
    pub(crate) fn apply(&mut self, row: Row) {
        match row {
            Row::Session(_) | Row::Closed => {}
            Row::Group(number, row) => self.group(number).row = Some(row),
            Row::Member(number, node, row) => drop(self.group(number).members.insert(node, row)),
            Row::Value(number, node, key, row) => {
                self.group(number).values.entry(node).or_default().insert(key, row);
            }
            Row::Call(number, call, row) => drop(self.group(number).calls.insert(call, row)),
            Row::Repeat(number, node, digest, row) => {
                self.group(number).repeats.insert((node, digest), row);
            }
            Row::EndGroup(number, row) => {
                self.groups.remove(&number);
                self.ended.insert(number, row);
            }
            Row::ForgetGroup(number) => {
                self.groups.remove(&number);
                self.ended.remove(&number);
            }
            Row::DropMember(number, node) => {
                let group = self.group(number);
                group.members.remove(&node);
                group.values.remove(&node);
            }
            Row::DropCalls(number, end) => {
                let group = self.group(number);
                group.calls = group.calls.split_off(&end);
            }
            Row::DropRepeat(number, node, digest) => drop(self.group(number).repeats.remove(&(node, digest))),
        }
    }

    fn group(&mut self, number: u64) -> &mut LoadedGroup {
        self.groups.entry(number).or_default()
    }
}

impl State {
    /// Builds the state. A restart counts as a heartbeat of every living host and member.
    pub(crate) fn load(local: &LocalSettings, now: Now, epoch: u32, loaded: Loaded) -> Self {
        let mut state = Self::new(local, epoch);
        state.load_ended(now, loaded.ended);
        let mut repeats = Vec::new();
        for (number, rows) in loaded.groups {
            state.load_group(now, number, rows, &mut repeats);
        }
        repeats.sort_unstable();
        state.memory.repeats = repeats.iter().map(|(_, _, node, _)| cost_of_repeat(node)).sum();
        state.repeats = repeats.into();
        state
    }

    fn load_ended(&mut self, now: Now, rows: HashMap<u64, EndedRow>) {
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|(_, row)| row.ended_at);
        for (number, row) in rows {
            self.next_number = self.next_number.max(behind(number));
            let (end, ended_at) = (self.end(now, row.expires_at), steady(now, row.ended_at));
            self.remember(number, row, end, ended_at);
        }
    }

    /// The end of a group's time, by the steady clock. A clock that was set back makes no group immortal.
    fn end(&self, now: Now, expires_at: Timestamp) -> Duration {
        let longest = seconds(self.settings.lifetimes.max_connection_time);
        now.steady + elapsed(now.wall, expires_at).min(longest)
    }

    fn load_group(
        &mut self,
        now: Now,
        number: u64,
        rows: LoadedGroup,
        repeats: &mut Vec<(Duration, Id, Id, [u8; 16])>,
    ) {
        // Before what follows: no new group may take over rows whose own group is missing.
        self.next_number = self.next_number.max(behind(number));
        let Some(row) = rows.row else { return };
        self.next_number = self.next_number.max(behind(row.host_joined));
        let end = self.end(now, row.record.expires_at);
        let mut group = resumed(number, *row, end, now.steady);
        let key = group.record.key.clone();
        for (id, row) in rows.members {
            self.next_number = self.next_number.max(behind(row.joined));
            let member = Member { row, seen: now.steady, queued: Duration::ZERO, values: Arc::default() };
            group.members.insert(id, Box::new(member));
        }
        for (node, values) in rows.values {
            let newest = values.values().map(|row| row.at).max();
            group.last_report = group.last_report.max(newest.unwrap_or(group.last_report));
            if let Some(held) = group.values_mut(&node) {
                for (key, row) in values {
                    held.set(key, row.value, row.at);
                }
            }
        }
        for (call, row) in rows.calls {
            let at = steady(now, row.timestamp);
            let batch = BatchEvent {
                group: key.clone(),
                fired_by: row.fired_by,
                events: row.events,
                timestamp: row.timestamp,
                recorded: Some(CallNumber { epoch: self.epoch, call }),
            };
            group.log.push(Arc::new(batch), call, at);
        }
        for ((node, digest), row) in &rows.repeats {
            repeats.push((steady(now, row.at), key.id.clone(), node.clone(), *digest));
        }
        group.repeats = rows.repeats;
        group.host_polls_from(None);
        let end = group.log.end();
        for member in group.members.values().filter(|member| !member.row.use_web_socket) {
            group.readers.joined(member.row.reader, None, end);
        }
        self.adopt(group, now);
    }

    fn adopt(&mut self, mut group: GroupState, now: Now) {
        let id = group.record.key.id.clone();
        let deadline = now.steady + seconds(self.settings.lifetimes.member_heartbeat_ttl);
        for (node, member) in &mut group.members {
            member.queued = deadline;
            self.indexes.add_membership(node, member.row.joined, &id);
            self.member_deadlines.insert((deadline, id.clone(), node.clone()));
            self.memory.nodes += member.cost(node);
        }
        self.memory.events += group.log.cost();
        self.shares.change(&id, 0, group.log.cost());
        group.events_queued = group.log.oldest_at();
        self.oldest_calls.extend(group.events_queued.map(|at| (at, id)));
        self.add_group(group);
    }

    /// Takes over what the journal does not keep, after the state was read back while the process
    /// went on: heartbeats, places of readers, outboxes and counts.
    pub(crate) fn carry_over(&mut self, mut old: Self) {
        self.counts = old.counts;
        for (id, group) in &mut self.groups {
            let Some(before) = old.groups.remove(id) else { continue };
            group.host_seen = before.host_seen;
            group.end = before.end;
            group.readers = before.readers;
            group.readers.end_at(group.log.end());
            group.outbox = before.outbox;
            for (node, member) in &mut group.members {
                if let Some(before) = before.members.get(node) {
                    member.seen = before.seen;
                }
            }
        }
    }
}

/// The next number behind one of a row. Numbers of rows that nobody wrote must not use up all that there are.
fn behind(number: u64) -> u64 {
    number.min(u64::MAX / 2) + 1
}

fn resumed(number: u64, row: GroupRow, end: Duration, now: Duration) -> GroupState {
    GroupState {
        number,
        record: row.record,
        secret: row.secret,
        end,
        host_seen: now,
        host_joined: row.host_joined,
        host_values: Arc::default(),
        members: HashMap::new(),
        log: EventLog::resumed(row.next_call, row.dropped),
        repeats: HashMap::new(),
        host_reader: row.host_reader,
        readers: Readers::default(),
        last_report: row.last_report,
        outbox: Arc::default(),
        queued: Duration::ZERO,
        events_queued: None,
    }
}

/// The time of something that carries a date, by the steady clock.
fn steady(now: Now, at: Timestamp) -> Duration {
    now.steady.saturating_sub(elapsed(at, now.wall))
}
