//! Joining, leaving, and what members report.

use std::sync::Arc;

use mesh_core::clock::Now;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{DissolveReason, GroupRecord, MessageFields, NodeRecord};
use mesh_core::secret::Caller;
use mesh_core::store::{JoinedNode, NewMember};

use super::group::Member;
use super::memory::{shrink_table, text};
use super::{Changes, State};
use crate::rows::{MemberRow, Row};

impl State {
    pub(crate) fn join_group(
        &mut self,
        now: Now,
        key: &GroupKey,
        caller: Caller<'_>,
        new: NewMember,
        reader: u64,
        change: &mut Changes,
    ) -> Result<JoinedNode> {
        let group = self.group(now, key)?;
        let (record, is_host) = (group.record.clone(), group.is_host(caller.id));
        let use_web_socket = record.use_web_socket && new.use_web_socket != Some(false);
        let (created_at, name) = if is_host {
            group.check_secret(caller)?;
            self.join_host(&record, change);
            (record.created_at, new.name)
        } else {
            let wish = NewMember { use_web_socket: Some(use_web_socket), ..new };
            let row = self.join_member(now, key, caller, wish, reader, change)?;
            (row.created_at, row.name)
        };
        let node = NodeRecord { id: caller.id.clone(), created_at, name, use_web_socket };
        Ok(JoinedNode { group: record, node })
    }

    /// The host stays unlisted; its joining only makes this its newest membership.
    fn join_host(&mut self, record: &GroupRecord, change: &mut Changes) {
        let joined = self.number();
        if let Some(group) = self.groups.get_mut(&record.key.id) {
            self.indexes.remove_membership(&record.host_id, group.host_joined);
            self.indexes.add_membership(&record.host_id, joined, &record.key.id);
            group.host_joined = joined;
            change.rows.push(group.row());
        }
    }

    fn join_member(
        &mut self,
        now: Now,
        key: &GroupKey,
        caller: Caller<'_>,
        new: NewMember,
        reader: u64,
        change: &mut Changes,
    ) -> Result<MemberRow> {
        let node = caller.id;
        let use_web_socket = new.use_web_socket != Some(false);
        self.expire_member(now, &key.id, node, change);
        let group = self.group(now, key)?;
        if group.members.contains_key(node) {
            group.check_secret(caller)?;
            self.check_room_for_name(&key.id, node, new.name.as_deref())?;
        } else {
            self.check_room_for_member(now, key, change)?;
            self.memory.check_nodes(self.most, 0, Member::cost_of(node, new.name.as_deref()))?;
        }
        let joined = self.number();
        let deadline =
            now.steady + mesh_core::settings::seconds(self.settings.lifetimes.member_heartbeat_ttl);
        let group = self.group_mut(now, key)?;
        let id = group.record.key.id.clone();
        let (mut before, mut cost_before) = (None, 0);
        let row = if let Some(member) = group.members.get_mut(node) {
            before = Some(member.row.joined);
            cost_before = member.cost(node);
            member.seen = now.steady;
            member.row.joined = joined;
            member.row.use_web_socket = use_web_socket;
            member.row.name = new.name.or(member.row.name.take());
            member.row.clone()
        } else {
            let row = MemberRow {
                created_at: now.wall,
                first_joined: joined,
                joined,
                use_web_socket,
                reader,
                name: new.name,
                secret: caller.secret,
            };
            let member =
                Member { row: row.clone(), seen: now.steady, queued: deadline, values: Arc::default() };
            group.members.insert(node.clone(), Box::new(member));
            row
        };
        if use_web_socket {
            group.readers.stops_polling(row.reader);
        } else {
            group.readers.joined(row.reader, new.from, group.log.end());
        }
        change.rows.push(Row::Member(group.number, node.clone(), row.clone()));
        let cost = group.members.get(node).map_or(0, |member| member.cost(node));
        self.memory.nodes = self.memory.nodes - cost_before + cost;
        if let Some(before) = before {
            self.indexes.remove_membership(node, before);
        } else {
            self.member_deadlines.insert((deadline, id.clone(), node.clone()));
        }
        self.indexes.add_membership(node, joined, &id);
        Ok(row)
    }

    fn check_room_for_member(&mut self, now: Now, key: &GroupKey, change: &mut Changes) -> Result<()> {
        let most = self.settings.limits.nodes_in_group;
        if self.group(now, key)?.members.len() >= most {
            self.expire_members(now, change);
        }
        if self.group(now, key)?.members.len() >= most {
            return Err(Error::invalid(format!("a group may have at most {most} nodes")));
        }
        Ok(())
    }

    /// Refuses a longer name that does not fit.
    fn check_room_for_name(&self, group: &Id, node: &Id, name: Option<&str>) -> Result<()> {
        let member = self.groups.get(group).and_then(|group| group.members.get(node));
        let before = member.and_then(|member| member.row.name.as_deref()).map_or(0, text);
        self.memory.check_nodes(self.most, before, name.map_or(before, text))
    }

    pub(crate) fn leave_group(
        &mut self,
        now: Now,
        key: &GroupKey,
        caller: Caller<'_>,
        change: &mut Changes,
    ) -> Result<()> {
        let node = caller.id;
        let group = self.group(now, key)?;
        group.check_caller(now, &self.settings.lifetimes, caller)?;
        if group.is_host(node) {
            self.dissolve(key, DissolveReason::HostLeft, MessageFields::ALL, change).map(drop)
        } else {
            self.remove_member(&key.id, node, change);
            Ok(())
        }
    }

    /// Takes a node out of its group for the teacher.
    pub(crate) fn remove_node(
        &mut self,
        now: Now,
        key: &GroupKey,
        node: &Id,
        change: &mut Changes,
    ) -> Result<()> {
        let group = self.group(now, key)?;
        group.check_member(now, &self.settings.lifetimes, node)?;
        if group.is_host(node) {
            return self.end_group(now, key, change);
        }
        self.remove_member(&key.id, node, change);
        Ok(())
    }

    /// Gives a member another name for the teacher. Hosts have none.
    pub(crate) fn rename_node(
        &mut self,
        now: Now,
        key: &GroupKey,
        node: &Id,
        name: Arc<str>,
        change: &mut Changes,
    ) -> Result<()> {
        self.group(now, key)?.check_member(now, &self.settings.lifetimes, node)?;
        self.check_room_for_name(&key.id, node, Some(&name))?;
        let group = self.group_mut(now, key)?;
        let number = group.number;
        let member = group.members.get_mut(node).ok_or_else(|| Error::NodeNotFound(node.clone()))?;
        let before = member.cost(node);
        member.row.name = Some(name);
        change.rows.push(Row::Member(number, node.clone(), member.row.clone()));
        let after = member.cost(node);
        self.memory.nodes = self.memory.nodes - before + after;
        Ok(())
    }

    pub(crate) fn list_nodes(&self, now: Now, key: &GroupKey) -> Result<(GroupRecord, Vec<NodeRecord>)> {
        let group = self.group(now, key)?;
        let rules = &self.settings.lifetimes;
        let mut members: Vec<_> =
            group.members.iter().filter(|(_, member)| member.lives(now, rules)).collect();
        members.sort_unstable_by_key(|(_, member)| (member.row.created_at, member.row.first_joined));
        let nodes = members.into_iter().map(|(id, member)| NodeRecord {
            id: id.clone(),
            created_at: member.row.created_at,
            name: member.row.name.clone(),
            use_web_socket: member.row.use_web_socket,
        });
        Ok((group.record.clone(), nodes.collect()))
    }

    pub(super) fn remove_member(&mut self, group: &Id, node: &Id, change: &mut Changes) {
        let Some(group) = self.groups.get_mut(group) else { return };
        let Some((node, member)) = group.members.remove_entry(node) else { return };
        shrink_table(&mut group.members);
        self.memory.nodes -= member.cost(&node);
        self.indexes.remove_membership(&node, member.row.joined);
        let deadline = (member.queued, group.record.key.id.clone(), node);
        self.member_deadlines.remove(&deadline);
        let (_, _, node) = deadline;
        group.readers.left(member.row.reader);
        change.rows.push(Row::DropMember(group.number, node));
        if member.values.bytes() > 0 {
            // The newest timestamp may have gone with these values.
            change.rows.push(group.row());
        }
    }
}
