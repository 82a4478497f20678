//! A context for tests: a store, a clock set by hand, and the operations in short.

#![allow(clippy::missing_errors_doc, reason = "each answers or refuses as its operation does")]

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Now;
use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::model::{Content, Event, Group, MeshMessage, MessageFields, Node, NodeStatus, SensorData};
use crate::operations::{
    CreateGroup, DissolveGroup, FireEventsByNode, GetEventsSince, GetNodeStatus, JoinGroup, LeaveGroup,
    LeaveGroupAnswer, ListGroupStatuses, ListGroupsByDomain, ListNodesInGroup, Operation, PollGroupData,
    PollGroupDataAnswer, RecordEventsByNode, RecordEventsByNodeAnswer, RenewHeartbeat, RenewHeartbeatAnswer,
    ReportStatus, SearchGroupsByNamePrefix, SendMemberHeartbeat, SendMemberHeartbeatAnswer,
};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::store::Store;
use crate::testing::TestClock;

/// A home with a clock set by hand, and its operations in short.
pub struct Harness<S> {
    /// The home.
    pub context: Arc<Context<S>>,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// The secret that every call brings.
    secret: Option<Secret>,
    /// The address that every call comes from.
    from: Option<IpAddr>,
}

impl<S> Clone for Harness<S> {
    fn clone(&self) -> Self {
        let (context, clock) = (self.context.clone(), self.clock.clone());
        Self { context, clock, secret: self.secret.clone(), from: self.from }
    }
}

/// One shared variable.
pub fn item(key: &str, value: &str) -> SensorData {
    SensorData { key: key.into(), value: value.into() }
}

/// An event fired now by the sender's clock, without payload and order key.
pub fn event(name: &str, now: Now) -> Event {
    Event { name: name.into(), payload: None, fired_at: now.wall, order_key: None }
}

impl<S: Store> Harness<S> {
    /// A home over `store`, whose clock is `clock`.
    pub fn new(store: S, clock: Arc<TestClock>, settings: Settings) -> Self {
        let context = Context { store, clock: clock.clone(), settings, domain_secret: None };
        Self { context: Arc::new(context), clock, secret: None, from: None }
    }

    /// The same home, whose calls bring this secret.
    #[must_use]
    pub fn with_secret(&self, secret: &str) -> Self {
        Self { secret: Some(secret.into()), ..self.clone() }
    }

    /// The same home, whose calls come from this address.
    #[must_use]
    pub fn coming_from(&self, address: IpAddr) -> Self {
        Self { from: Some(address), ..self.clone() }
    }

    /// Reads both clocks.
    pub fn now(&self) -> Now {
        self.context.now()
    }

    /// Creates a group named after its host in the domain `school`.
    pub async fn create(&self, host: &str) -> Group {
        self.create_in("school", host).await.expect("createGroup")
    }

    /// Creates a group named after its host.
    pub async fn create_in(&self, domain: &str, host: &str) -> Result<Group> {
        self.create_as(domain, host, host, None, None).await
    }

    /// Creates a group with everything said.
    pub async fn create_as(
        &self,
        domain: &str,
        host: &str,
        name: &str,
        life: Option<i32>,
        use_web_socket: Option<bool>,
    ) -> Result<Group> {
        let create = CreateGroup {
            name: name.into(),
            host_id: host.into(),
            secret: self.secret.clone(),
            domain: domain.into(),
            max_connection_time_seconds: life,
            use_web_socket,
            from: self.from,
        };
        create.run(&self.context).await
    }

    /// Creates a group and joins a polling node `poller`, so that every home records its events.
    pub async fn create_with_poller(&self, host: &str) -> GroupKey {
        let key = self.create(host).await.key();
        self.join_as(&key, "poller", Some(false)).await.expect("joinGroup");
        key
    }

    /// Joins a node that leaves the protocol to the group.
    pub async fn join(&self, group: &GroupKey, node: &str) -> Result<Node> {
        self.join_as(group, node, None).await
    }

    /// Joins a node.
    pub async fn join_as(&self, group: &GroupKey, node: &str, use_web_socket: Option<bool>) -> Result<Node> {
        self.join_named(group, node, use_web_socket, None).await
    }

    /// Joins a node under a name.
    pub async fn join_named(
        &self,
        group: &GroupKey,
        node: &str,
        use_web_socket: Option<bool>,
        name: Option<&str>,
    ) -> Result<Node> {
        let (group_id, domain) = parts(group);
        let (secret, name, from) = (self.secret.clone(), name.map(Into::into), self.from);
        JoinGroup { group_id, domain, node_id: node.into(), secret, use_web_socket, name, from }
            .run(&self.context)
            .await
    }

    /// A node leaves.
    pub async fn leave(&self, group: &GroupKey, node: &str) -> Result<LeaveGroupAnswer> {
        let (group_id, domain) = parts(group);
        LeaveGroup { group_id, domain, node_id: node.into(), secret: self.secret.clone() }
            .run(&self.context)
            .await
    }

    /// The host ends its group.
    pub async fn dissolve(&self, group: &GroupKey, host: &str) -> Result<MeshMessage> {
        let (group_id, domain) = parts(group);
        let fields = MessageFields::ALL;
        DissolveGroup { group_id, domain, host_id: host.into(), secret: self.secret.clone(), fields }
            .run(&self.context)
            .await
    }

    /// The host's heartbeat.
    pub async fn renew(&self, group: &GroupKey, host: &str) -> Result<RenewHeartbeatAnswer> {
        let (group_id, domain) = parts(group);
        RenewHeartbeat { group_id, domain, host_id: host.into(), secret: self.secret.clone() }
            .run(&self.context)
            .await
    }

    /// A member's heartbeat.
    pub async fn beat(&self, group: &GroupKey, node: &str) -> Result<SendMemberHeartbeatAnswer> {
        let (group_id, domain) = parts(group);
        SendMemberHeartbeat { group_id, domain, node_id: node.into(), secret: self.secret.clone() }
            .run(&self.context)
            .await
    }

    /// A node reports values, each `(key, value)`.
    pub async fn report(&self, group: &GroupKey, node: &str, data: &[(&str, &str)]) -> Result<NodeStatus> {
        let data = data.iter().map(|(key, value)| item(key, value)).collect();
        self.report_items(group, node, data).await
    }

    /// A node reports values.
    pub async fn report_items(
        &self,
        group: &GroupKey,
        node: &str,
        data: Vec<SensorData>,
    ) -> Result<NodeStatus> {
        let (group_id, domain) = parts(group);
        let fields = MessageFields::ALL;
        let report = ReportStatus {
            group_id,
            domain,
            node_id: node.into(),
            secret: self.secret.clone(),
            data,
            fields,
        };
        match report.run(&self.context).await?.content {
            Content::NodeStatus(status) => Ok(status),
            other => panic!("a report is answered by a status, not by {other:?}"),
        }
    }

    /// A node fires events.
    pub async fn fire(&self, group: &GroupKey, node: &str, events: Vec<Event>) -> Result<MeshMessage> {
        let (group_id, domain) = parts(group);
        let (events, fields) = (events.into(), MessageFields::ALL);
        FireEventsByNode {
            group_id,
            domain,
            node_id: node.into(),
            secret: self.secret.clone(),
            events,
            fields,
        }
        .run(&self.context)
        .await
    }

    /// A node fires one event for each name.
    pub async fn fire_names(&self, group: &GroupKey, node: &str, names: &[&str]) -> Result<MeshMessage> {
        let events = names.iter().map(|name| event(name, self.now())).collect();
        self.fire(group, node, events).await
    }

    /// A node records events.
    pub async fn record(
        &self,
        group: &GroupKey,
        node: &str,
        events: Vec<Event>,
    ) -> Result<RecordEventsByNodeAnswer> {
        let (group_id, domain) = parts(group);
        RecordEventsByNode {
            group_id,
            domain,
            node_id: node.into(),
            secret: self.secret.clone(),
            events: events.into(),
        }
        .run(&self.context)
        .await
    }

    /// A node records one event for each name.
    pub async fn record_names(
        &self,
        group: &GroupKey,
        node: &str,
        names: &[&str],
    ) -> Result<RecordEventsByNodeAnswer> {
        let events = names.iter().map(|name| event(name, self.now())).collect();
        self.record(group, node, events).await
    }

    /// The living groups of a domain.
    pub async fn groups(&self, domain: &str) -> Vec<Group> {
        ListGroupsByDomain { domain: domain.into() }.run(&self.context).await.expect("listGroupsByDomain")
    }

    /// A search by name.
    pub async fn search(&self, prefix: &str, limit: Option<i32>) -> Result<Vec<Group>> {
        SearchGroupsByNamePrefix { name_prefix: prefix.into(), limit }.run(&self.context).await
    }

    /// The joined nodes.
    pub async fn nodes(&self, group: &GroupKey) -> Result<Vec<Node>> {
        let (group_id, domain) = parts(group);
        ListNodesInGroup { group_id, domain }.run(&self.context).await
    }

    /// All values of a node.
    pub async fn status(&self, node: &str) -> Option<NodeStatus> {
        GetNodeStatus { node_id: node.into() }.run(&self.context).await.expect("getNodeStatus")
    }

    /// The statuses of a group.
    pub async fn statuses(&self, group: &GroupKey) -> Result<Vec<NodeStatus>> {
        let (group_id, domain) = parts(group);
        ListGroupStatuses { group_id, domain }.run(&self.context).await
    }

    /// A poll.
    pub async fn poll(&self, group: &GroupKey, since: &str) -> Result<PollGroupDataAnswer> {
        let (group_id, domain) = parts(group);
        PollGroupData { group_id, domain, since: since.into(), from: self.from }.run(&self.context).await
    }

    /// Names of the events behind `since`.
    pub async fn names_since(&self, group: &GroupKey, since: &str) -> Vec<String> {
        let (group_id, domain) = parts(group);
        let since = GetEventsSince { group_id, domain, since: since.into(), from: self.from };
        let events = since.run(&self.context).await;
        events.expect("getEventsSince").iter().flat_map(Heard::of).map(|heard| heard.name).collect()
    }

    /// Events behind `since`, with their cursors.
    pub async fn events_since(&self, group: &GroupKey, since: &str) -> Vec<Heard> {
        self.poll(group, since).await.expect("pollGroupData").events.iter().flat_map(Heard::of).collect()
    }
}

fn parts(group: &GroupKey) -> (Id, Domain) {
    (group.id.clone(), group.domain.clone())
}

impl Group {
    /// The key of this group.
    pub fn key(&self) -> GroupKey {
        GroupKey::clone(&self.record.key)
    }
}

/// One event as a poller hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its name.
    pub name: String,
    /// The node that fired it.
    pub from: String,
    /// The place right behind it.
    pub cursor: String,
}

impl Heard {
    /// The events of a slice.
    pub fn of(slice: &crate::model::EventSlice) -> Vec<Self> {
        let heard = |index: usize| Self {
            name: slice.batch.events[index].name.clone(),
            from: slice.batch.fired_by.to_string(),
            cursor: slice.batch.cursor_behind(index, slice.reader).expect("a recorded event").to_string(),
        };
        slice.range.clone().map(heard).collect()
    }
}
