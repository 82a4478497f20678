//! The verbs of the [`Store`], each in the module of its name's subject.

use std::net::IpAddr;
use std::sync::Arc;

use mesh_core::clock::Now;
use mesh_core::cursor::Since;
use mesh_core::error::{Error, Result};
use mesh_core::hex::Hex;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::{Event, GroupRecord, MeshMessage, MessageFields, NodeRecord, NodeStatus, SensorData};
use mesh_core::secret::Caller;
use mesh_core::store::{EventPage, JoinedNode, NewBatch, NewGroup, NewMember, RecordedBatch, Store};

use crate::LocalStore;
use crate::state::{GroupList, GroupSearch};

impl Store for LocalStore {
    async fn create_group(&self, now: Now, new: NewGroup) -> Result<GroupRecord> {
        let (id, reader) = (new_group_id()?, new_reader()?);
        self.change(|state, change| state.create_group(now, new, id, reader, change)).await
    }

    async fn renew_heartbeat(&self, now: Now, group: &GroupKey, host: Caller<'_>) -> Result<GroupRecord> {
        self.run(|state, _| state.renew_heartbeat(now, group, host)).await
    }

    async fn join_group(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        new: NewMember,
    ) -> Result<JoinedNode> {
        let reader = new_reader()?;
        self.change(|state, change| state.join_group(now, group, node, new, reader, change)).await
    }

    async fn send_member_heartbeat(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
    ) -> Result<GroupRecord> {
        self.run(|state, _| state.send_member_heartbeat(now, group, node)).await
    }

    async fn report_status(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        data: Vec<SensorData>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        self.change(|state, change| state.report_status(now, group, node, data, fields, change)).await
    }

    async fn fire_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        events: Arc<[Event]>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        self.change(|state, change| state.fire_events(now, group, node, events, fields, change)).await
    }

    async fn record_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        call: NewBatch,
    ) -> Result<RecordedBatch> {
        self.change(|state, change| state.record_events(now, group, node, &call, change)).await
    }

    async fn leave_group(&self, now: Now, group: &GroupKey, node: Caller<'_>) -> Result<()> {
        self.change(|state, change| state.leave_group(now, group, node, change)).await
    }

    async fn dissolve_group(
        &self,
        now: Now,
        group: &GroupKey,
        host: Caller<'_>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        self.change(|state, change| state.dissolve_group(now, group, host, fields, change)).await
    }

    async fn list_groups(&self, now: Now, domain: &Domain) -> Result<Vec<GroupRecord>> {
        let mut list = GroupList::default();
        while self.run(|state, _| Ok(state.list_on(now, domain, &mut list))).await? {
            tokio::task::yield_now().await;
        }
        Ok(list.found())
    }

    async fn search_groups(&self, now: Now, prefix: &str, limit: usize) -> Result<Vec<GroupRecord>> {
        let mut search = GroupSearch::new(prefix, limit);
        while self.run(|state, _| Ok(state.search_on(now, &mut search))).await? {
            search.keep_oldest();
            tokio::task::yield_now().await;
        }
        Ok(search.found())
    }

    async fn node_status(&self, now: Now, node: &Id) -> Result<Option<NodeStatus>> {
        let values = self.run(|state, _| Ok(state.node_values(now, node))).await?;
        Ok(values.and_then(|values| values.merged()))
    }

    async fn group_statuses(&self, now: Now, group: &GroupKey) -> Result<Vec<NodeStatus>> {
        let values = self.run(|state, _| state.group_values(now, group)).await?;
        Ok(values.by_report().await)
    }

    async fn list_nodes(&self, now: Now, group: &GroupKey) -> Result<(GroupRecord, Vec<NodeRecord>)> {
        self.run(|state, _| state.list_nodes(now, group)).await
    }

    async fn events_since(
        &self,
        now: Now,
        group: &GroupKey,
        since: Since,
        from: Option<IpAddr>,
    ) -> Result<EventPage> {
        self.run(|state, _| state.events_since(now, group, since, from)).await
    }
}

/// A new group's id: 128 random bits, as 32 hex digits.
fn new_group_id() -> Result<Id> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Store(error.into()))?;
    Ok(Id::from(Hex(&bytes).to_string()))
}

/// The number that names a reader in its cursors: 64 random bits, which nobody guesses.
fn new_reader() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::Store(error.into()))
}
