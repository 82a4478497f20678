//! Building the state from the rows that the journal kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::id::Id;
use mesh_core::model::{BatchEvent, CallNumber};
use mesh_core::settings::{elapsed, seconds};
use mesh_core::time::Timestamp;

use super::event_log::EventLog;
use super::group::{GroupState, Member, Values};
use super::{MEMBER_BYTES, State};
use crate::LocalSettings;
use crate::rows::{CallRow, GroupRow, MemberRow, RepeatRow, ValueRow};

/// All rows of a journal.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) epoch: u32,
    pub(crate) groups: Vec<(u64, GroupRow)>,
    pub(crate) members: Vec<(u64, Id, MemberRow)>,
    pub(crate) values: Vec<(u64, Id, Arc<str>, ValueRow)>,
    pub(crate) calls: Vec<(u64, u64, CallRow)>,
    pub(crate) repeats: Vec<(u64, Id, [u8; 16], RepeatRow)>,
}

impl State {
    /// Builds the state. A restart counts as a heartbeat of every living host and member.
    pub(crate) fn load(local: &LocalSettings, now: Now, loaded: Loaded) -> Self {
        let mut state = Self::new(local, loaded.epoch);
        let mut groups = state.load_groups(now, loaded.groups);
        for (number, id, row) in loaded.members {
            state.next_number = state.next_number.max(row.joined + 1);
            if let Some(group) = groups.get_mut(&number) {
                group.members.insert(id, Member { row, seen: now.steady, values: Values::default() });
            }
        }
        for (number, node, key, row) in loaded.values {
            let group = groups.get_mut(&number);
            if let Some(group) = group {
                group.last_report = group.last_report.max(row.at);
                if let Some(values) = group.values_mut(&node) {
                    values.set(key, row.value, row.at);
                }
            }
        }
        state.load_calls(now, loaded.calls, &mut groups);
        state.load_repeats(now, loaded.repeats, &mut groups);
        for group in groups.into_values() {
            state.adopt(group, now);
        }
        state
    }

    fn load_groups(&mut self, now: Now, rows: Vec<(u64, GroupRow)>) -> HashMap<u64, GroupState> {
        let longest = seconds(self.settings.lifetimes.max_connection_time);
        let mut groups = HashMap::new();
        let mut ended = Vec::new();
        for (number, row) in rows {
            self.next_number = self.next_number.max(number + 1).max(row.host_joined + 1);
            // A clock that was set back must not make a group immortal.
            let left = elapsed(now.wall, row.record.expires_at).min(longest);
            let end = now.steady + left;
            if let Some(at) = row.ended_at {
                ended.push((steady(now, at), number, row.record.key, end));
            } else {
                groups.insert(number, resumed(number, row, end, now.steady));
            }
        }
        ended.sort_unstable_by_key(|(at, ..)| *at);
        for (at, number, key, end) in ended {
            self.remember(number, key, end, at);
        }
        groups
    }

    fn load_calls(
        &mut self,
        now: Now,
        rows: Vec<(u64, u64, CallRow)>,
        groups: &mut HashMap<u64, GroupState>,
    ) {
        let mut order = Vec::new();
        for (number, call, row) in rows {
            let Some(group) = groups.get_mut(&number) else { continue };
            let (key, at) = (group.record.key.clone(), steady(now, row.timestamp));
            order.push((at, number, call, key.id.clone()));
            let batch = BatchEvent {
                group: key,
                fired_by: row.fired_by,
                events: row.events,
                timestamp: row.timestamp,
                recorded: Some(CallNumber { epoch: self.epoch, call }),
            };
            group.log.push(Arc::new(batch), call, at);
        }
        order.sort_unstable();
        self.kept = order.into_iter().map(|(_, _, call, id)| (id, call)).collect();
    }

    fn load_repeats(
        &mut self,
        now: Now,
        rows: Vec<(u64, Id, [u8; 16], RepeatRow)>,
        groups: &mut HashMap<u64, GroupState>,
    ) {
        let mut order = Vec::new();
        for (number, node, digest, row) in rows {
            let Some(group) = groups.get_mut(&number) else { continue };
            order.push((steady(now, row.at), group.record.key.id.clone(), node.clone(), digest));
            group.repeats.insert((node, digest), row);
        }
        order.sort_unstable();
        self.repeats = order.into();
    }

    fn adopt(&mut self, group: GroupState, now: Now) {
        let id = group.record.key.id.clone();
        let deadline = now.steady + seconds(self.settings.lifetimes.member_heartbeat_ttl);
        for (node, member) in &group.members {
            self.indexes.add_membership(node, member.row.joined, &id);
            self.member_deadlines.insert((deadline, id.clone(), node.clone()));
            self.status_bytes += MEMBER_BYTES + member.values.bytes();
        }
        self.status_bytes += group.host_values.bytes();
        self.kept_bytes += group.log.bytes();
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
            group.served = before.served;
            group.outbox = before.outbox;
            for (node, member) in &mut group.members {
                if let Some(before) = before.members.get(node) {
                    member.seen = before.seen;
                }
            }
        }
    }
}

fn resumed(number: u64, row: GroupRow, end: Duration, now: Duration) -> GroupState {
    GroupState {
        number,
        record: row.record,
        secret: row.secret,
        end,
        host_seen: now,
        host_joined: row.host_joined,
        host_values: Values::default(),
        members: HashMap::new(),
        log: EventLog::resumed(row.next_call, row.dropped),
        repeats: HashMap::new(),
        served: HashMap::new(),
        next_reader: row.next_reader,
        last_report: row.last_report,
        outbox: Arc::default(),
    }
}

/// The time of something that carries a date, by the steady clock.
fn steady(now: Now, at: Timestamp) -> Duration {
    now.steady.saturating_sub(elapsed(at, now.wall))
}
