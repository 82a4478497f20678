//! The verbs of the [`Store`], each within its timeout and in the module of its name's subject.

use std::net::IpAddr;
use std::sync::Arc;

use mesh_core::clock::Now;
use mesh_core::cursor::Since;
use mesh_core::error::{Error, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::{Event, GroupRecord, MeshMessage, MessageFields, NodeRecord, NodeStatus, SensorData};
use mesh_core::secret::Caller;
use mesh_core::store::{EventPage, JoinedNode, NewBatch, NewGroup, NewMember, RecordedBatch, Store};

use crate::store::DynamoStore;
use crate::timeouts::VERB_TIMEOUT;
use crate::{events, groups, lifecycle, members, polling, status};

/// Gives a verb up after its timeout. What it wrote until then stays.
fn in_time<'a, T: 'a>(
    verb: impl Future<Output = Result<T>> + Send + 'a,
) -> impl Future<Output = Result<T>> + Send + 'a {
    // Boxed: requests of the SDK make futures of many kilobytes, and callers move these about.
    let verb = tokio::time::timeout(VERB_TIMEOUT, Box::pin(verb));
    let late = || Error::Store(format!("not done within {} seconds", VERB_TIMEOUT.as_secs()).into());
    async move { verb.await.unwrap_or_else(|_| Err(late())) }
}

/// The same for a verb that writes: after a failure of the store nobody knows what was written. An answer may
/// have been lost, and verbs of several writes may have done some.
fn write_in_time<'a, T: 'a>(
    verb: impl Future<Output = Result<T>> + Send + 'a,
) -> impl Future<Output = Result<T>> + Send + 'a {
    let unconfirmed = |error| match error {
        Error::Store(detail) => Error::Unconfirmed(detail),
        known => known,
    };
    let verb = in_time(verb);
    async move { verb.await.map_err(unconfirmed) }
}

impl Store for DynamoStore {
    async fn create_group(&self, now: Now, new: NewGroup) -> Result<GroupRecord> {
        write_in_time(groups::create_group(self, now.wall, new)).await
    }

    async fn renew_heartbeat(&self, now: Now, group: &GroupKey, host: Caller<'_>) -> Result<GroupRecord> {
        write_in_time(lifecycle::renew_heartbeat(self, now.wall, group, host)).await
    }

    async fn join_group(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        new: NewMember,
    ) -> Result<JoinedNode> {
        write_in_time(members::join_group(self, now.wall, group, node, new)).await
    }

    async fn send_member_heartbeat(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
    ) -> Result<GroupRecord> {
        write_in_time(lifecycle::send_member_heartbeat(self, now.wall, group, node)).await
    }

    async fn report_status(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        data: Vec<SensorData>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        write_in_time(status::report_status(self, now.wall, group, node, data, fields)).await
    }

    async fn fire_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        events: Arc<[Event]>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        write_in_time(events::fire_events(self, now.wall, group, node, events, fields)).await
    }

    async fn record_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        batch: NewBatch,
    ) -> Result<RecordedBatch> {
        write_in_time(events::record_events(self, now.wall, group, node, batch)).await
    }

    async fn leave_group(&self, now: Now, group: &GroupKey, node: Caller<'_>) -> Result<()> {
        write_in_time(members::leave_group(self, now.wall, group, node)).await
    }

    async fn dissolve_group(
        &self,
        now: Now,
        group: &GroupKey,
        host: Caller<'_>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        write_in_time(lifecycle::dissolve_group(self, now.wall, group, host, fields)).await
    }

    async fn list_groups(&self, now: Now, domain: &Domain) -> Result<Vec<GroupRecord>> {
        in_time(groups::list_groups(self, now.wall, domain)).await
    }

    async fn search_groups(&self, now: Now, prefix: &str, limit: usize) -> Result<Vec<GroupRecord>> {
        in_time(groups::search_groups(self, now.wall, prefix, limit)).await
    }

    async fn node_status(&self, now: Now, node: &Id) -> Result<Option<NodeStatus>> {
        in_time(status::node_status(self, now.wall, node)).await
    }

    async fn group_statuses(&self, now: Now, group: &GroupKey) -> Result<Vec<NodeStatus>> {
        in_time(status::group_statuses(self, now.wall, group)).await
    }

    async fn list_nodes(&self, now: Now, group: &GroupKey) -> Result<(GroupRecord, Vec<NodeRecord>)> {
        in_time(members::list_nodes(self, now.wall, group)).await
    }

    async fn events_since(
        &self,
        now: Now,
        group: &GroupKey,
        since: Since,
        // Readers are not told apart here: that would be a write for each poll.
        _from: Option<IpAddr>,
    ) -> Result<EventPage> {
        in_time(polling::events_since(self, now.wall, group, since)).await
    }
}
