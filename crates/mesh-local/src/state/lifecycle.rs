//! The life and end of groups and members: heartbeats, expiry, and the memory of expired groups.

use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::error::{Error, HostAction, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{DissolveReason, GroupRecord, MeshMessage, MessageFields};
use mesh_core::secret::Caller;
use mesh_core::settings::{EXPIRED_MEMORY, Life};

use super::memory::{in_queue, in_table, shared, shrink_queue, shrink_table, text};
use super::{Changes, Ended, State};
use crate::rows::{EndedRow, Row};

impl State {
    pub(crate) fn renew_heartbeat(
        &mut self,
        now: Now,
        key: &GroupKey,
        host: Caller<'_>,
    ) -> Result<GroupRecord> {
        let group = self.group_mut(now, key)?;
        if !group.is_host(host.id) {
            return Err(Error::NotHost(HostAction::RenewHeartbeat));
        }
        group.check_secret(host)?;
        group.host_seen = now.steady;
        Ok(group.record.clone())
    }

    pub(crate) fn send_member_heartbeat(
        &mut self,
        now: Now,
        key: &GroupKey,
        caller: Caller<'_>,
    ) -> Result<GroupRecord> {
        self.group(now, key)?.check_caller(now, &self.settings.lifetimes, caller)?;
        let group = self.group_mut(now, key)?;
        group.touch(now, caller.id);
        Ok(group.record.clone())
    }

    pub(crate) fn dissolve_group(
        &mut self,
        now: Now,
        key: &GroupKey,
        host: Caller<'_>,
        fields: MessageFields,
        change: &mut Changes,
    ) -> Result<MeshMessage> {
        let group = self.group(now, key)?;
        if !group.is_host(host.id) {
            return Err(Error::NotHost(HostAction::Dissolve));
        }
        group.check_secret(host)?;
        self.dissolve(key, DissolveReason::ByHost, fields, change)
    }

    /// Ends a group for the teacher.
    pub(crate) fn end_group(&mut self, now: Now, key: &GroupKey, change: &mut Changes) -> Result<()> {
        self.group(now, key)?;
        self.dissolve(key, DissolveReason::ByTeacher, MessageFields::ALL, change).map(drop)
    }

    /// Removes a group as if it had never been.
    pub(super) fn dissolve(
        &mut self,
        key: &GroupKey,
        reason: DissolveReason,
        fields: MessageFields,
        change: &mut Changes,
    ) -> Result<MeshMessage> {
        let group = self.remove_group(&key.id).ok_or_else(|| Error::GroupNotFound(key.clone()))?;
        let message = MeshMessage::dissolve(group.record.key.clone(), reason, fields);
        change.rows.push(Row::ForgetGroup(group.number));
        change.messages.push((group.outbox, message.clone()));
        Ok(message)
    }

    /// Removes everything whose time is over, and tells subscribers. Reads do not depend on it: they
    /// apply the same rules themselves.
    pub(crate) fn sweep(&mut self, now: Now, change: &mut Changes) {
        self.expire_groups(now, change);
        self.expire_members(now, change);
        self.drop_old_events(now, change);
        self.forget_repeats(now, change);
        while let Some((ended_at, _)) = self.ended_order.front() {
            // A margin, so that "at least an hour" holds for whoever reads the clock elsewhere.
            if now.steady.saturating_sub(*ended_at) < EXPIRED_MEMORY * 2 {
                break;
            }
            self.forget_oldest(change);
        }
    }

    /// Ends groups whose time is over or whose host is silent, remembers them, and tells their
    /// subscribers.
    pub(super) fn expire_groups(&mut self, now: Now, change: &mut Changes) {
        while let Some((deadline, id)) = self.group_deadlines.pop_first() {
            if deadline > now.steady {
                self.group_deadlines.insert((deadline, id));
                break;
            }
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let reason = match group.life(now, &self.settings.lifetimes) {
                Life::Alive => {
                    group.queued = group.deadline(&self.settings.lifetimes);
                    self.group_deadlines.insert((group.queued, id));
                    continue;
                }
                Life::Expired => DissolveReason::TimeOver,
                Life::HostSilent => DissolveReason::HostSilent,
            };
            if let Some(group) = self.remove_group(&id) {
                let row = EndedRow {
                    key: group.record.key.clone(),
                    expires_at: group.record.expires_at,
                    ended_at: now.wall,
                };
                change.rows.push(Row::EndGroup(group.number, row.clone()));
                let message = MeshMessage::dissolve(group.record.key.clone(), reason, MessageFields::ALL);
                self.remember(group.number, row, group.end, now.steady);
                change.messages.push((group.outbox, message));
            }
        }
        while self.memory.ended_groups > self.most.ended_groups && !self.ended.is_empty() {
            self.forget_oldest(change);
        }
    }

    /// Removes members that were silent for too long.
    pub(super) fn expire_members(&mut self, now: Now, change: &mut Changes) {
        while let Some((deadline, group, node)) = self.member_deadlines.pop_first() {
            if deadline > now.steady {
                self.member_deadlines.insert((deadline, group, node));
                break;
            }
            let rules = &self.settings.lifetimes;
            let members = self.groups.get_mut(&group).map(|group| &mut group.members);
            let Some(member) = members.and_then(|members| members.get_mut(&node)) else { continue };
            if member.lives(now, rules) {
                member.queued = member.deadline(rules);
                self.member_deadlines.insert((member.queued, group, node));
            } else {
                self.remove_member(&group, &node, change);
            }
        }
    }

    /// Removes a member if it was silent for too long, so that it starts anew when it joins again.
    pub(super) fn expire_member(&mut self, now: Now, group: &Id, node: &Id, change: &mut Changes) {
        let member = self.groups.get(group).and_then(|group| group.members.get(node));
        if member.is_some_and(|member| !member.lives(now, &self.settings.lifetimes)) {
            self.remove_member(group, node, change);
        }
    }

    pub(super) fn remember(&mut self, number: u64, row: EndedRow, end: Duration, ended_at: Duration) {
        let id = row.key.id.clone();
        self.memory.ended_groups += row.cost();
        self.ended_order.push_back((ended_at, id.clone()));
        self.ended.insert(id, Ended { number, row, end });
    }

    pub(super) fn forget_oldest(&mut self, change: &mut Changes) {
        if let Some((_, id)) = self.ended_order.pop_front()
            && let Some(ended) = self.ended.remove(&id)
        {
            self.memory.ended_groups -= ended.row.cost();
            change.rows.push(Row::ForgetGroup(ended.number));
            shrink_table(&mut self.ended);
            shrink_queue(&mut self.ended_order);
        }
    }
}

impl EndedRow {
    /// What it costs in memory to remember it.
    fn cost(&self) -> usize {
        in_table::<Id, Ended>()
            + in_queue::<(Duration, Id)>()
            + shared(size_of::<GroupKey>())
            + text(self.key.id.as_str())
            + text(self.key.domain.as_str())
    }
}
