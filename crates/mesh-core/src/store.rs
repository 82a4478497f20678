//! The port that a home implements: the verbs of the domain, over whatever keeps the data.
//!
//! Every verb decides on what it reads whether group, host and member are still in force, by
//! [`Lifetimes::life_of_group`](crate::settings::Lifetimes::life_of_group) and its sisters, never by
//! what a clean-up has or has not removed yet. A refused verb changes nothing and renews no heartbeat.
//! Verbs of one group are atomic, and a verb that answered is seen by every later one.
//!
//! Refusals come in this order: the group ([`Error::GroupNotFound`], [`Error::GroupExpired`],
//! [`Error::HostSilent`]), then host or member ([`Error::NotHost`], [`Error::NodeNotFound`]), then
//! the node's secret ([`Error::Protected`]), then limits of the store ([`Error::Invalid`]). [`Error::Store`] may come at any time.
//!
//! [`testing::contract`](crate::testing) holds what every implementation must pass.
//!
//! [`Error::GroupNotFound`]: crate::Error::GroupNotFound
//! [`Error::GroupExpired`]: crate::Error::GroupExpired
//! [`Error::HostSilent`]: crate::Error::HostSilent
//! [`Error::NotHost`]: crate::Error::NotHost
//! [`Error::NodeNotFound`]: crate::Error::NodeNotFound
//! [`Error::Protected`]: crate::Error::Protected
//! [`Error::Invalid`]: crate::Error::Invalid
//! [`Error::Store`]: crate::Error::Store

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Now;
use crate::cursor::{Cursor, Since};
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::model::{
    Event, EventSlice, GroupRecord, MeshMessage, MessageFields, NodeRecord, NodeStatus, SensorData,
};
use crate::secret::{Caller, SecretHash};

/// A group that somebody wants.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// The domain in which it is found.
    pub domain: Domain,
    /// The node that creates it.
    pub host_id: Id,
    /// Its name.
    pub name: String,
    /// True if its nodes use WebSockets.
    pub use_web_socket: bool,
    /// Its longest life.
    pub life: Duration,
    /// The host's secret: a new group is bound to it, a living one demands the one that it is bound to.
    pub secret: Option<SecretHash>,
    /// The address that it comes from, if that is known.
    pub from: Option<IpAddr>,
}

/// A node's wish to join.
#[derive(Clone, Debug, Default)]
pub struct NewMember {
    /// False for a node that cannot use a WebSocket; else the group decides.
    pub use_web_socket: Option<bool>,
    /// Its name; `None` keeps the one of an earlier join.
    pub name: Option<Arc<str>>,
    /// The address that it comes from, if that is known.
    pub from: Option<IpAddr>,
}

/// The result of a join.
#[derive(Clone, Debug)]
pub struct JoinedNode {
    /// The group.
    pub group: GroupRecord,
    /// The node.
    pub node: NodeRecord,
}

/// The result of a call of `recordEventsByNode`.
#[derive(Clone, Debug)]
pub struct RecordedBatch {
    /// The number of events of the call.
    pub count: usize,
    /// From where its sender goes on polling.
    pub next_since: Cursor,
    /// The same call was recorded before, so nothing was stored or published.
    pub is_repeated: bool,
}

/// A page of recorded events.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// At most 100 events, in the order recorded.
    pub events: Vec<EventSlice>,
    /// False when something behind `since` was dropped or never recorded.
    pub complete: bool,
}

/// Keeps groups, members, statuses and events.
pub trait Store: Send + Sync + 'static {
    /// The host's living group in that domain, or a new one. Counts as the host's heartbeat.
    fn create_group(&self, now: Now, new: NewGroup) -> impl Future<Output = Result<GroupRecord>> + Send;

    /// Renews the host's heartbeat.
    fn renew_heartbeat(
        &self,
        now: Now,
        group: &GroupKey,
        host: Caller<'_>,
    ) -> impl Future<Output = Result<GroupRecord>> + Send;

    /// Makes a node a member, or says again that it is one. Counts as its heartbeat.
    fn join_group(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        new: NewMember,
    ) -> impl Future<Output = Result<JoinedNode>> + Send;

    /// Renews a member's heartbeat; for the host it renews nothing.
    fn send_member_heartbeat(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
    ) -> impl Future<Output = Result<GroupRecord>> + Send;

    /// Merges values into a member's status. Counts as its heartbeat.
    fn report_status(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        data: Vec<SensorData>,
        fields: MessageFields,
    ) -> impl Future<Output = Result<MeshMessage>> + Send;

    /// Takes a member's events. Counts as its heartbeat. They are recorded at least while the group
    /// has polling members.
    fn fire_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        events: Arc<[Event]>,
        fields: MessageFields,
    ) -> impl Future<Output = Result<MeshMessage>> + Send;

    /// Records a member's batch, unless its digest tells that the same call was recorded before. Counts
    /// as the member's heartbeat.
    fn record_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        batch: NewBatch,
    ) -> impl Future<Output = Result<RecordedBatch>> + Send;

    /// Removes a member and its status. The host's leaving dissolves the group.
    fn leave_group(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Ends a group and removes all that belongs to it.
    fn dissolve_group(
        &self,
        now: Now,
        group: &GroupKey,
        host: Caller<'_>,
        fields: MessageFields,
    ) -> impl Future<Output = Result<MeshMessage>> + Send;

    /// Living groups of a domain, oldest first.
    fn list_groups(&self, now: Now, domain: &Domain)
    -> impl Future<Output = Result<Vec<GroupRecord>>> + Send;

    /// Living groups of all domains whose name begins with `prefix`, oldest first, at most `limit`.
    fn search_groups(
        &self,
        now: Now,
        prefix: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<GroupRecord>>> + Send;

    /// All values of a node in its newest membership still in force, under the newest timestamp.
    fn node_status(&self, now: Now, node: &Id) -> impl Future<Output = Result<Option<NodeStatus>>> + Send;

    /// Every value in force, one status for each report that still holds one, oldest first.
    fn group_statuses(
        &self,
        now: Now,
        group: &GroupKey,
    ) -> impl Future<Output = Result<Vec<NodeStatus>>> + Send;

    /// The joined nodes without the host, oldest first, and the group.
    fn list_nodes(
        &self,
        now: Now,
        group: &GroupKey,
    ) -> impl Future<Output = Result<(GroupRecord, Vec<NodeRecord>)>> + Send;

    /// Recorded events behind `since`, as a poll. A cursor beyond the end of the log is refused. `from` is the
    /// address that the poll comes from, if that is known: a home may tell readers apart by it.
    fn events_since(
        &self,
        now: Now,
        group: &GroupKey,
        since: Since,
        from: Option<IpAddr>,
    ) -> impl Future<Output = Result<EventPage>> + Send;
}

/// A call of `recordEventsByNode`.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// The events in the order to keep them.
    pub sorted: Arc<[Event]>,
    /// A digest of the events as sent, by which a repeated call is recognised.
    pub digest: [u8; 16],
}
