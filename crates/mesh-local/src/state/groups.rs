//! Creating, finding and ending groups.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::error::{Error, HostAction, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::{DissolveReason, GroupRecord, MeshMessage, MessageFields, NodeStatus};
use mesh_core::settings::Life;
use mesh_core::store::NewGroup;
use mesh_core::time::Timestamp;

use super::group::{GroupState, Values};
use super::{Change, Ended, MEMBER_BYTES, State, TOTAL_ENDED};
use crate::log::EventLog;
use crate::rows::Row;

impl State {
    pub(crate) fn create_group(
        &mut self,
        now: Now,
        new: NewGroup,
        id: Id,
        change: &mut Change,
    ) -> Result<GroupRecord> {
        self.bury_groups(now, change);
        if let Some(id) = self.indexes.group_of_host(&new.domain, &new.host_id)
            && let Some(group) = self.groups.get_mut(id)
        {
            group.host_seen = now.steady;
            return Ok(group.record.clone());
        }
        if self.indexes.count_in_domain(&new.domain) >= self.settings.limits.groups_in_domain {
            let most = self.settings.limits.groups_in_domain;
            return Err(Error::invalid(format!("a domain may have at most {most} groups")));
        }
        if self.groups.len() >= self.max_groups {
            return Err(Error::invalid(format!("this server may have at most {} groups", self.max_groups)));
        }
        let record = GroupRecord {
            key: Arc::new(GroupKey { id, domain: new.domain }),
            name: new.name.into(),
            host_id: new.host_id,
            created_at: now.wall,
            expires_at: now.wall.plus(new.life),
            use_web_socket: new.use_web_socket,
        };
        let number = self.number();
        let group = GroupState {
            number,
            record: record.clone(),
            end: now.steady + new.life,
            host_seen: now.steady,
            host_joined: number,
            host_values: Values::default(),
            members: std::collections::HashMap::new(),
            log: EventLog::default(),
            repeats: std::collections::HashMap::new(),
            served: std::collections::HashMap::new(),
            next_reader: 1,
            last_report: Timestamp::from_millis(0),
            outbox: Arc::default(),
        };
        change.rows.push(group.row(None));
        self.add_group(group);
        Ok(record)
    }

    pub(crate) fn renew_heartbeat(&mut self, now: Now, key: &GroupKey, host: &Id) -> Result<GroupRecord> {
        let group = self.group_mut(now, key)?;
        if !group.is_host(host) {
            return Err(Error::NotHost(HostAction::RenewHeartbeat));
        }
        group.host_seen = now.steady;
        Ok(group.record.clone())
    }

    pub(crate) fn dissolve_group(
        &mut self,
        now: Now,
        key: &GroupKey,
        host: &Id,
        fields: MessageFields,
        change: &mut Change,
    ) -> Result<MeshMessage> {
        if !self.group(now, key)?.is_host(host) {
            return Err(Error::NotHost(HostAction::Dissolve));
        }
        self.dissolve(key, DissolveReason::ByHost, fields, change)
    }

    /// Ends a group for the teacher.
    pub(crate) fn end_group(&mut self, now: Now, key: &GroupKey, change: &mut Change) -> Result<()> {
        self.group(now, key)?;
        self.dissolve(key, DissolveReason::ByTeacher, MessageFields::ALL, change).map(drop)
    }

    /// Removes a group as if it had never been.
    pub(super) fn dissolve(
        &mut self,
        key: &GroupKey,
        reason: DissolveReason,
        fields: MessageFields,
        change: &mut Change,
    ) -> Result<MeshMessage> {
        let group = self.remove_group(&key.id).ok_or_else(|| Error::GroupNotFound(key.clone()))?;
        let message = MeshMessage::dissolve(group.record.key.clone(), reason, fields);
        change.rows.extend([Row::ClearGroup(group.number), Row::ForgetGroup(group.number)]);
        change.news.push((group.outbox, message.clone()));
        Ok(message)
    }

    pub(crate) fn list_groups(&self, now: Now, domain: &Domain) -> Vec<GroupRecord> {
        self.living(now, self.indexes.groups_of_domain(domain)).map(|group| group.record.clone()).collect()
    }

    pub(crate) fn search_groups(&self, now: Now, prefix: &str, limit: usize) -> Vec<GroupRecord> {
        let mut found: Vec<_> = self.living(now, self.indexes.groups_by_prefix(prefix)).collect();
        found.sort_by_key(|group| (group.record.created_at, group.number));
        found.into_iter().take(limit).map(|group| group.record.clone()).collect()
    }

    pub(crate) fn group_statuses(&self, now: Now, key: &GroupKey) -> Result<Vec<NodeStatus>> {
        let group = self.group(now, key)?;
        let values = group.living_values(now, &self.settings.lifetimes);
        let mut statuses: Vec<_> =
            values.flat_map(|(node, values)| values.by_report(node, &group.record.key)).collect();
        // Timestamps are unique in a group.
        statuses.sort_unstable_by_key(|status| status.timestamp);
        Ok(statuses)
    }

    fn living<'a>(
        &'a self,
        now: Now,
        ids: impl Iterator<Item = &'a Id>,
    ) -> impl Iterator<Item = &'a GroupState> {
        ids.filter_map(|id| self.groups.get(id))
            .filter(move |group| group.life(now, &self.settings.lifetimes) == Life::Alive)
    }

    /// Ends groups whose time is over or whose host is silent, remembers them, and tells their
    /// subscribers.
    pub(super) fn bury_groups(&mut self, now: Now, change: &mut Change) {
        while let Some((deadline, id)) = self.group_deadlines.pop_first() {
            if deadline > now.steady {
                self.group_deadlines.insert((deadline, id));
                break;
            }
            let Some(group) = self.groups.get(&id) else { continue };
            let reason = match group.life(now, &self.settings.lifetimes) {
                Life::Alive => {
                    self.group_deadlines.insert((group.deadline(&self.settings.lifetimes), id));
                    continue;
                }
                Life::Expired => DissolveReason::TimeOver,
                Life::HostSilent => DissolveReason::HostSilent,
            };
            if let Some(group) = self.remove_group(&id) {
                change.rows.extend([Row::ClearGroup(group.number), group.row(Some(now.wall))]);
                let message = MeshMessage::dissolve(group.record.key.clone(), reason, MessageFields::ALL);
                self.remember(group.number, group.record.key.clone(), group.end, now.steady);
                change.news.push((group.outbox, message));
            }
        }
        while self.ended.len() > TOTAL_ENDED {
            self.forget_oldest(change);
        }
    }

    pub(super) fn remember(&mut self, number: u64, key: Arc<GroupKey>, end: Duration, ended_at: Duration) {
        self.ended_order.push_back((ended_at, key.id.clone()));
        self.ended.insert(key.id.clone(), Ended { number, key, end });
    }

    pub(super) fn forget_oldest(&mut self, change: &mut Change) {
        if let Some((_, id)) = self.ended_order.pop_front()
            && let Some(ended) = self.ended.remove(&id)
        {
            change.rows.push(Row::ForgetGroup(ended.number));
        }
    }

    pub(super) fn add_group(&mut self, group: GroupState) {
        let id = &group.record.key.id;
        self.indexes.add_group(&group.record, group.number);
        self.indexes.add_membership(&group.record.host_id, group.host_joined, id);
        self.group_deadlines.insert((group.deadline(&self.settings.lifetimes), id.clone()));
        self.groups.insert(id.clone(), group);
    }

    /// Takes a group and everything that belongs to it out of the state.
    fn remove_group(&mut self, id: &Id) -> Option<GroupState> {
        let group = self.groups.remove(id)?;
        self.indexes.remove_group(&group.record, group.number);
        self.indexes.remove_membership(&group.record.host_id, group.host_joined);
        for (node, member) in &group.members {
            self.indexes.remove_membership(node, member.row.joined);
            self.status_bytes -= MEMBER_BYTES + member.values.bytes();
        }
        self.status_bytes -= group.host_values.bytes();
        self.kept_bytes -= group.log.bytes();
        Some(group)
    }
}
