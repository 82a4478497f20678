//! Reported values: merged, by node and by group.

use std::sync::Arc;

use mesh_core::clock::Now;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{Content, MeshMessage, MessageFields, NodeStatus, SensorData};
use mesh_core::secret::Caller;

use super::values::Values;
use super::{Changes, State};
use crate::rows::{Row, ValueRow};

/// About as many values are read before others may work.
const VALUES_BETWEEN_YIELDS: usize = 10_000;

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
        let group = self.group(now, key)?;
        group.check_caller(now, &self.settings.lifetimes, caller)?;
        let node = caller.id;
        let values = group.values_of(node).ok_or_else(|| Error::NodeNotFound(node.clone()))?;
        let (before, (size, after)) = (values.cost(), values.size_with(&data));
        size.check()?;
        self.memory.check_nodes(self.most, before, after)?;
        self.memory.nodes = self.memory.nodes - before + after;

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

    /// Gives the host those values of a member that the host does not hold as new, with the times of their reports:
    /// they stay when the member leaves.
    pub(crate) fn leave_values_to_host(
        &mut self,
        now: Now,
        key: &GroupKey,
        node: &Id,
        change: &mut Changes,
    ) -> Result<()> {
        let group = self.group(now, key)?;
        group.check_member(now, &self.settings.lifetimes, node)?;
        let host = &group.host_values;
        let values = group.values_of(node).ok_or_else(|| Error::NodeNotFound(node.clone()))?;
        let left = values.iter().filter(|(key, _, at)| host.time_of(key).is_none_or(|known| known < *at));
        let left: Vec<_> = left.map(|(key, value, at)| (key.clone(), value.clone(), at)).collect();
        let data: Vec<_> = left
            .iter()
            .map(|(key, value, _)| SensorData { key: key.clone(), value: value.clone() })
            .collect();
        let (before, (size, after)) = (host.cost(), host.size_with(&data));
        size.check()?;
        self.memory.check_nodes(self.most, before, after)?;
        self.memory.nodes = self.memory.nodes - before + after;
        let group = self.group_mut(now, key)?;
        let (number, host) = (group.number, group.record.host_id.clone());
        for (key, value, at) in left {
            change.rows.push(Row::Value(
                number,
                host.clone(),
                key.clone(),
                ValueRow { value: value.clone(), at },
            ));
            if let Some(values) = group.values_mut(&host) {
                values.set(key, value, at);
            }
        }
        Ok(())
    }

    /// The values of a node in its newest membership still in force.
    pub(crate) fn node_values(&self, now: Now, node: &Id) -> Option<SharedValues> {
        let rules = &self.settings.lifetimes;
        let mut living = self.living(now, self.indexes.groups_of_node(node));
        let group = living.find(|group| group.check_member(now, rules, node).is_ok())?;
        let values = group.values_of(node)?.clone();
        Some(SharedValues { group: group.record.key.clone(), nodes: vec![(node.clone(), values)] })
    }

    /// The values of the host and of all living members of a group.
    pub(crate) fn group_values(&self, now: Now, key: &GroupKey) -> Result<SharedValues> {
        let group = self.group(now, key)?;
        let values = group.living_values(now, &self.settings.lifetimes);
        let nodes = values.map(|(node, values)| (node.clone(), values.clone())).collect();
        Ok(SharedValues { group: group.record.key.clone(), nodes })
    }
}

/// Values of nodes, to be read outside the state's lock.
pub(crate) struct SharedValues {
    group: Arc<GroupKey>,
    nodes: Vec<(Id, Arc<Values>)>,
}

impl SharedValues {
    /// All values of the first node under their newest timestamp; none if there are none.
    pub(crate) fn merged(&self) -> Option<NodeStatus> {
        let (node, values) = self.nodes.first()?;
        values.merged(node, &self.group)
    }

    /// One status for each report that still holds a value, oldest first. Lets others work in between.
    pub(crate) async fn by_report(self) -> Vec<NodeStatus> {
        let mut statuses = Vec::new();
        let mut read = 0;
        for (node, values) in self.nodes {
            statuses.extend(values.by_report(&node, &self.group));
            read += values.len();
            if read >= VALUES_BETWEEN_YIELDS {
                read = 0;
                tokio::task::yield_now().await;
            }
        }
        // Timestamps are unique in a group.
        statuses.sort_unstable_by_key(|status| status.timestamp);
        statuses
    }
}
