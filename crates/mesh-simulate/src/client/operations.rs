//! The documents that living clients send.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Group;

/// The fields that clients select of a message; subscribers get no field that the mutation did not select.
macro_rules! message {
    () => {
        "{ groupId domain \
            nodeStatus { nodeId groupId domain data { key value } timestamp } \
            batchEvent { events { name firedByNodeId groupId domain payload timestamp } \
                firedByNodeId groupId domain timestamp } \
            groupDissolve { groupId domain message } }"
    };
}

/// Everything that a message can have.
macro_rules! whole_message {
    () => {
        "{ groupId domain \
            nodeStatus { nodeId groupId domain data { key value } timestamp } \
            batchEvent { events { name firedByNodeId groupId domain payload timestamp cursor orderKey } \
                firedByNodeId groupId domain timestamp } \
            groupDissolve { groupId domain message } }"
    };
}

macro_rules! in_group {
    ($kind:literal, $operation:literal, $arguments:literal, $variables:literal, $selection:expr) => {
        concat!(
            $kind,
            " ",
            $operation,
            "($groupId: ID!, $domain: String!",
            $variables,
            ") { ",
            $operation,
            "(groupId: $groupId, domain: $domain",
            $arguments,
            ") ",
            $selection,
            " }"
        )
    };
}

/// The subscription of living clients.
pub const SUBSCRIPTION: &str = in_group!("subscription", "onMessageInGroup", "", "", message!());
/// A subscription to all that mutations selected.
pub const WHOLE_SUBSCRIPTION: &str = in_group!("subscription", "onMessageInGroup", "", "", whole_message!());

/// A request: the field that it calls, and the body to post.
#[derive(Clone)]
pub struct Operation {
    pub(super) field: &'static str,
    pub(super) body: Bytes,
}

/// One shared variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// An event, as a client fires it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventInput {
    /// Its name.
    pub event_name: String,
    /// Its payload.
    pub payload: Option<String>,
    /// When, by the client's clock.
    pub fired_at: String,
    /// The client's own order, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_key: Option<String>,
}

/// The parts of a group or a membership that a client keeps.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The group's or node's id.
    pub id: String,
    /// The interval of heartbeats, in seconds.
    pub heartbeat_interval_seconds: Option<u32>,
    /// The interval of polls for nodes that poll, in seconds.
    pub polling_interval_seconds: Option<u32>,
}

/// A node as others see it.
#[derive(Debug, Deserialize)]
pub struct NamedNode {
    /// Its id.
    pub id: String,
    /// Its name; "Node" and its id where it has given none.
    pub name: String,
}

/// The answer of a poll.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PollAnswer {
    /// At most 100 events, in the order recorded.
    pub events: Vec<PolledEvent>,
    /// False when something was no longer kept.
    pub complete: bool,
}

/// One event of a poll.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolledEvent {
    /// The node that fired it.
    pub fired_by_node_id: String,
    /// Its payload.
    pub payload: Option<String>,
    /// When it was fired.
    pub timestamp: String,
    /// The cursor to go on from.
    pub cursor: String,
}

impl Operation {
    /// A document of one's own, whose result is the value of `field`.
    pub fn new(field: &'static str, query: &str, variables: &Value) -> Self {
        let body = json!({"query": query, "variables": variables});
        Self { field, body: body.to_string().into() }
    }

    fn in_group(field: &'static str, query: &str, group: &Group, mut variables: Value) -> Self {
        variables["groupId"] = group.id.as_str().into();
        variables["domain"] = group.domain.as_str().into();
        Self::new(field, query, &variables)
    }

    /// `createDomain`.
    pub fn create_domain() -> Self {
        Self::new("createDomain", "mutation createDomain { createDomain }", &json!({}))
    }

    /// `createGroup`; the result is a [`Membership`].
    pub fn create_group(name: &str, host: &str, domain: &str) -> Self {
        let query = "mutation createGroup($name: String!, $hostId: ID!, $domain: String!) { \
            createGroup(name: $name, hostId: $hostId, domain: $domain, useWebSocket: true) { \
            id domain fullId name hostId expiresAt heartbeatIntervalSeconds useWebSocket pollingIntervalSeconds } }";
        Self::new("createGroup", query, &json!({"name": name, "hostId": host, "domain": domain}))
    }

    /// `joinGroup`; the result is a [`Membership`].
    pub fn join_group(group: &Group, node: &str, use_web_socket: bool, name: Option<&str>) -> Self {
        let query = in_group!(
            "mutation",
            "joinGroup",
            ", nodeId: $nodeId, useWebSocket: $useWebSocket, name: $name",
            ", $nodeId: ID!, $useWebSocket: Boolean, $name: String",
            "{ id name groupId domain expiresAt heartbeatIntervalSeconds useWebSocket pollingIntervalSeconds }"
        );
        let variables = json!({"nodeId": node, "useWebSocket": use_web_socket, "name": name});
        Self::in_group("joinGroup", query, group, variables)
    }

    /// `leaveGroup`.
    pub fn leave_group(group: &Group, node: &str) -> Self {
        let query = in_group!(
            "mutation",
            "leaveGroup",
            ", nodeId: $nodeId",
            ", $nodeId: ID!",
            "{ peerId groupId domain message }"
        );
        Self::in_group("leaveGroup", query, group, json!({"nodeId": node}))
    }

    /// `dissolveGroup`.
    pub fn dissolve_group(group: &Group, host: &str) -> Self {
        let query = in_group!("mutation", "dissolveGroup", ", hostId: $hostId", ", $hostId: ID!", message!());
        Self::in_group("dissolveGroup", query, group, json!({"hostId": host}))
    }

    /// `renewHeartbeat`.
    pub fn renew_heartbeat(group: &Group, host: &str) -> Self {
        let query = in_group!(
            "mutation",
            "renewHeartbeat",
            ", hostId: $hostId",
            ", $hostId: ID!",
            "{ groupId domain expiresAt heartbeatIntervalSeconds }"
        );
        Self::in_group("renewHeartbeat", query, group, json!({"hostId": host}))
    }

    /// `sendMemberHeartbeat`.
    pub fn send_member_heartbeat(group: &Group, node: &str) -> Self {
        let query = in_group!(
            "mutation",
            "sendMemberHeartbeat",
            ", nodeId: $nodeId",
            ", $nodeId: ID!",
            "{ nodeId groupId domain expiresAt heartbeatIntervalSeconds }"
        );
        Self::in_group("sendMemberHeartbeat", query, group, json!({"nodeId": node}))
    }

    /// `reportDataByNode`.
    pub fn report_data(group: &Group, node: &str, data: &[Item]) -> Self {
        let query = in_group!(
            "mutation",
            "reportDataByNode",
            ", nodeId: $nodeId, data: $data",
            ", $nodeId: ID!, $data: [SensorDataInput!]!",
            message!()
        );
        Self::in_group("reportDataByNode", query, group, json!({"nodeId": node, "data": data}))
    }

    /// `fireEventsByNode`.
    pub fn fire_events(group: &Group, node: &str, events: &[EventInput]) -> Self {
        let query = in_group!(
            "mutation",
            "fireEventsByNode",
            ", nodeId: $nodeId, events: $events",
            ", $nodeId: ID!, $events: [EventInput!]!",
            message!()
        );
        Self::in_group("fireEventsByNode", query, group, json!({"nodeId": node, "events": events}))
    }

    /// `fireEventsByNode`, selecting all that subscribers may want.
    pub fn fire_whole_events(group: &Group, node: &str, events: &[EventInput]) -> Self {
        let query = in_group!(
            "mutation",
            "fireEventsByNode",
            ", nodeId: $nodeId, events: $events",
            ", $nodeId: ID!, $events: [EventInput!]!",
            whole_message!()
        );
        Self::in_group("fireEventsByNode", query, group, json!({"nodeId": node, "events": events}))
    }

    /// `recordEventsByNode`.
    pub fn record_events(group: &Group, node: &str, events: &[EventInput]) -> Self {
        let query = in_group!(
            "mutation",
            "recordEventsByNode",
            ", nodeId: $nodeId, events: $events",
            ", $nodeId: ID!, $events: [EventInput!]!",
            "{ groupId domain recordedCount nextSince }"
        );
        Self::in_group("recordEventsByNode", query, group, json!({"nodeId": node, "events": events}))
    }

    /// `pollGroupData`; the result is [`PollAnswer`].
    pub fn poll_group_data(group: &Group, since: &str) -> Self {
        let query = in_group!(
            "query",
            "pollGroupData",
            ", since: $since",
            ", $since: String!",
            "{ events { name firedByNodeId groupId domain payload timestamp cursor } \
                nodeStatuses { nodeId groupId domain data { key value } timestamp } complete }"
        );
        Self::in_group("pollGroupData", query, group, json!({"since": since}))
    }

    /// `listNodesInGroup`; the result is a list of [`NamedNode`].
    pub fn list_nodes(group: &Group) -> Self {
        Self::in_group(
            "listNodesInGroup",
            in_group!("query", "listNodesInGroup", "", "", "{ id name }"),
            group,
            json!({}),
        )
    }

    /// `listGroupStatuses`.
    pub fn list_group_statuses(group: &Group) -> Self {
        let query = in_group!(
            "query",
            "listGroupStatuses",
            "",
            "",
            "{ nodeId groupId domain data { key value } timestamp }"
        );
        Self::in_group("listGroupStatuses", query, group, json!({}))
    }
}
