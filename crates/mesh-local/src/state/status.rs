//! Reported values: merged, by node and by group.

use mesh_core::clock::Now;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{Content, MeshMessage, MessageFields, NodeStatus, SensorData};
use mesh_core::secret::Caller;
use mesh_core::settings::Life;

use super::group::GroupState;
use super::{Changes, State, TOTAL_STATUS_BYTES};
use crate::rows::{Row, ValueRow};

impl State {
    pub(crate) fn report_status(
        &mut self,
        now: Now,
        key: &GroupKey,
        caller: Caller<'_>,
        data: Vec<SensorData>,
        fields: MessageFields,
        change: &mut Changes,
    ) -> Result<MeshMessage> {
        self.group(now, key)?.check_caller(now, &self.settings.lifetimes, caller)?;
        let node = caller.id;
        let not_found = || Error::NodeNotFound(node.clone());
        let values = self.group_mut(now, key)?.values_mut(node).ok_or_else(not_found)?;
        let (before, size) = (values.bytes(), values.size_with(&data));
        size.check()?;
        self.check_status_room(before, size.bytes)?;
        self.status_bytes = self.status_bytes - before + size.bytes;

        let group = self.group_mut(now, key)?;
        let timestamp = group.report_time(now);
        group.touch(now, node);
        if let Some(values) = group.values_mut(node) {
            values.merge(&data, timestamp);
        }
        change.rows.extend(data.iter().map(|item| {
            let row = ValueRow { value: item.value.clone(), at: timestamp };
            Row::Value(group.number, node.clone(), item.key.clone(), row)
        }));
        let status = NodeStatus { node_id: node.clone(), group: group.record.key.clone(), data, timestamp };
        let message =
            MeshMessage { group: group.record.key.clone(), content: Content::NodeStatus(status), fields };
        change.messages.push((group.outbox.clone(), message.clone()));
        Ok(message)
    }

    pub(crate) fn node_status(&self, now: Now, node: &Id) -> Option<NodeStatus> {
        let rules = &self.settings.lifetimes;
        let in_force = |group: &&GroupState| {
            group.life(now, rules) == Life::Alive && group.check_member(now, rules, node).is_ok()
        };
        let group = self.indexes.groups_of_node(node).filter_map(|id| self.groups.get(id)).find(in_force)?;
        let values =
            if group.is_host(node) { &group.host_values } else { &group.member(now, rules, node)?.values };
        values.merged(node, &group.record.key)
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

    /// Refuses what would exceed the memory that members and values may take in all.
    pub(super) fn check_status_room(&self, before: usize, after: usize) -> Result<()> {
        if after > before && self.status_bytes - before + after > TOTAL_STATUS_BYTES {
            return Err(Error::invalid(format!(
                "this server may hold at most {TOTAL_STATUS_BYTES} bytes of nodes and values"
            )));
        }
        Ok(())
    }
}
