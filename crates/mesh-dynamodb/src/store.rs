//! [`DynamoStore`]: the verbs of the domain over the table, each within its time.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use mesh_core::clock::Now;
use mesh_core::cursor::Since;
use mesh_core::error::{Error, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::{Event, GroupRecord, MeshMessage, MessageFields, NodeRecord, NodeStatus, SensorData};
use mesh_core::settings::{Lifetimes, Settings};
use mesh_core::store::{EventPage, JoinedNode, NewBatch, NewGroup, RecordedBatch, Store};

use crate::publisher::Publisher;
use crate::table::{Table, Usage};
use crate::timeouts::VERB_TIMEOUT;

/// A [`Store`] over one DynamoDB table. Any number of processes may share the table.
pub struct DynamoStore {
    pub(crate) table: Table,
    pub(crate) settings: Settings,
    /// Where recorded calls are published, if this process does that.
    pub(crate) publisher: Option<Arc<dyn Publisher>>,
    /// How many groups this process tried to create: orders those of one millisecond.
    pub(crate) created: AtomicU64,
}

impl DynamoStore {
    /// A store over that table.
    pub fn new(table: Table, settings: Settings) -> Self {
        Self { table, settings, publisher: None, created: AtomicU64::new(0) }
    }

    /// The same store, which publishes recorded calls there before it answers them.
    #[must_use]
    pub fn publishing_to(self, publisher: Arc<dyn Publisher>) -> Self {
        Self { publisher: Some(publisher), ..self }
    }

    /// What requests to the table used since this was asked last.
    pub fn take_usage(&self) -> Usage {
        self.table.take_usage()
    }

    pub(crate) fn rules(&self) -> &Lifetimes {
        &self.settings.lifetimes
    }
}

/// Gives a verb up when its time is over; what it wrote until then stays.
fn in_time<'a, T: 'a>(
    verb: impl Future<Output = Result<T>> + Send + 'a,
) -> impl Future<Output = Result<T>> + Send + 'a {
    // Boxed: requests of the SDK make futures of many kilobytes, and callers move these about.
    let verb = tokio::time::timeout(VERB_TIMEOUT, Box::pin(verb));
    let late = || Error::Store(format!("not done within {} seconds", VERB_TIMEOUT.as_secs()).into());
    async move { verb.await.unwrap_or_else(|_| Err(late())) }
}

impl Store for DynamoStore {
    async fn create_group(&self, now: Now, new: NewGroup) -> Result<GroupRecord> {
        in_time(self.create(now.wall, new)).await
    }

    async fn renew_heartbeat(&self, now: Now, group: &GroupKey, host: &Id) -> Result<GroupRecord> {
        in_time(self.renew(now.wall, group, host)).await
    }

    async fn join_group(
        &self,
        now: Now,
        group: &GroupKey,
        node: &Id,
        wish: Option<bool>,
    ) -> Result<JoinedNode> {
        in_time(self.join(now.wall, group, node, wish)).await
    }

    async fn send_member_heartbeat(&self, now: Now, group: &GroupKey, node: &Id) -> Result<GroupRecord> {
        in_time(self.member_heartbeat(now.wall, group, node)).await
    }

    async fn report_status(
        &self,
        now: Now,
        group: &GroupKey,
        node: &Id,
        data: Vec<SensorData>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        in_time(self.report(now.wall, group, node, data, fields)).await
    }

    async fn fire_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: &Id,
        events: Arc<[Event]>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        in_time(self.fire(now.wall, group, node, events, fields)).await
    }

    async fn record_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: &Id,
        sent: NewBatch,
    ) -> Result<RecordedBatch> {
        in_time(self.record(now.wall, group, node, sent)).await
    }

    async fn leave_group(&self, now: Now, group: &GroupKey, node: &Id) -> Result<()> {
        in_time(self.leave(now.wall, group, node)).await
    }

    async fn dissolve_group(
        &self,
        now: Now,
        group: &GroupKey,
        host: &Id,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        in_time(self.dissolve(now.wall, group, host, fields)).await
    }

    async fn list_groups(&self, now: Now, domain: &Domain) -> Result<Vec<GroupRecord>> {
        in_time(self.groups_of_domain(now.wall, domain)).await
    }

    async fn search_groups(&self, now: Now, prefix: &str, limit: usize) -> Result<Vec<GroupRecord>> {
        in_time(self.search(now.wall, prefix, limit)).await
    }

    async fn node_status(&self, now: Now, node: &Id) -> Result<Option<NodeStatus>> {
        in_time(self.status_of_node(now.wall, node)).await
    }

    async fn group_statuses(&self, now: Now, group: &GroupKey) -> Result<Vec<NodeStatus>> {
        in_time(self.statuses_of_group(now.wall, group)).await
    }

    async fn list_nodes(&self, now: Now, group: &GroupKey) -> Result<(GroupRecord, Vec<NodeRecord>)> {
        in_time(self.nodes(now.wall, group)).await
    }

    async fn events_since(&self, now: Now, group: &GroupKey, since: Since) -> Result<EventPage> {
        in_time(self.poll(now.wall, group, since)).await
    }
}
