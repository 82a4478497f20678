//! The model as objects of the schema: which field shows what.

use std::borrow::Cow;

use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{
    BatchEvent, Content, Event, EventSlice, Group, GroupDissolve, MeshMessage, Node, NodeStatus, SensorData,
};
use mesh_core::operations::{Heartbeat, Left, MemberHeartbeat, Polled, Record};

use crate::value::{List, Object, Value};

impl Object for Group {
    fn type_name(&self) -> &'static str {
        "Group"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[
            "id",
            "domain",
            "fullId",
            "name",
            "hostId",
            "createdAt",
            "expiresAt",
            "heartbeatIntervalSeconds",
            "useWebSocket",
            "pollingIntervalSeconds",
        ]
    }

    fn field(&self, name: &str) -> Value<'_> {
        let record = &self.record;
        match name {
            "id" => group_id(&record.key),
            "domain" => domain(&record.key),
            "fullId" => Value::Text(Cow::Owned(record.key.to_string())),
            "name" => Value::text(&record.name),
            "hostId" => id(&record.host_id),
            "createdAt" => Value::Time(record.created_at),
            "expiresAt" => Value::Time(record.expires_at),
            "heartbeatIntervalSeconds" => Value::Int(self.heartbeat_interval_seconds),
            "useWebSocket" => Value::Boolean(record.use_web_socket),
            "pollingIntervalSeconds" => self.polling_interval_seconds.into(),
            _ => Value::Null,
        }
    }
}

impl Object for Node {
    fn type_name(&self) -> &'static str {
        "Node"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[
            "id",
            "name",
            "groupId",
            "domain",
            "createdAt",
            "expiresAt",
            "heartbeatIntervalSeconds",
            "useWebSocket",
            "pollingIntervalSeconds",
        ]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "id" => id(&self.record.id),
            "name" => Value::Text(Cow::Owned(format!("Node {}", self.record.id))),
            "groupId" => group_id(&self.group),
            "domain" => domain(&self.group),
            "createdAt" => Value::Time(self.record.created_at),
            "expiresAt" => Value::Time(self.expires_at),
            "heartbeatIntervalSeconds" => Value::Int(self.heartbeat_interval_seconds),
            "useWebSocket" => Value::Boolean(self.record.use_web_socket),
            "pollingIntervalSeconds" => self.polling_interval_seconds.into(),
            _ => Value::Null,
        }
    }
}

impl Object for MeshMessage {
    fn type_name(&self) -> &'static str {
        "MeshMessage"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["groupId", "domain", "nodeStatus", "batchEvent", "groupDissolve"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match (name, &self.content) {
            ("groupId", _) => group_id(&self.group),
            ("domain", _) => domain(&self.group),
            ("nodeStatus", Content::NodeStatus(status)) => Value::Object(status),
            ("batchEvent", Content::BatchEvent(batch)) => Value::Object(&**batch),
            ("groupDissolve", Content::GroupDissolve(end)) => Value::Object(end),
            _ => Value::Null,
        }
    }
}

impl Object for NodeStatus {
    fn type_name(&self) -> &'static str {
        "NodeStatus"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["nodeId", "groupId", "domain", "data", "timestamp"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "nodeId" => id(&self.node_id),
            "groupId" => group_id(&self.group),
            "domain" => domain(&self.group),
            "data" => Value::list(&self.data),
            "timestamp" => Value::Time(self.timestamp),
            _ => Value::Null,
        }
    }
}

impl Object for SensorData {
    fn type_name(&self) -> &'static str {
        "SensorData"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["key", "value"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "key" => Value::text(&self.key),
            "value" => Value::text(&self.value),
            _ => Value::Null,
        }
    }
}

impl Object for BatchEvent {
    fn type_name(&self) -> &'static str {
        "BatchEvent"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["events", "firedByNodeId", "groupId", "domain", "timestamp"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "events" => Value::List(Box::new(WholeBatch(self))),
            "firedByNodeId" => id(&self.fired_by),
            "groupId" => group_id(&self.group),
            "domain" => domain(&self.group),
            "timestamp" => Value::Time(self.timestamp),
            _ => Value::Null,
        }
    }
}

/// One event, which shares what its batch says of all.
struct EventInBatch<'a> {
    batch: &'a BatchEvent,
    event: &'a Event,
    index: usize,
    reader: Option<u16>,
}

impl Object for EventInBatch<'_> {
    fn type_name(&self) -> &'static str {
        "Event"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name", "firedByNodeId", "groupId", "domain", "payload", "timestamp", "cursor", "orderKey"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "name" => Value::text(&self.event.name),
            "firedByNodeId" => id(&self.batch.fired_by),
            "groupId" => group_id(&self.batch.group),
            "domain" => domain(&self.batch.group),
            "payload" => self.event.payload.as_ref().into(),
            "timestamp" => Value::Time(self.event.fired_at),
            "cursor" => self.batch.cursor_behind(self.index, self.reader).into(),
            "orderKey" => self.event.order_key.as_ref().into(),
            _ => Value::Null,
        }
    }
}

/// All events of a batch.
struct WholeBatch<'a>(&'a BatchEvent);

impl List for WholeBatch<'_> {
    fn each(&self, visit: &mut dyn FnMut(Value<'_>)) {
        for (index, event) in self.0.events.iter().enumerate() {
            visit(Value::Object(&EventInBatch { batch: self.0, event, index, reader: None }));
        }
    }
}

/// The events of several slices, one after the other.
pub(crate) struct Slices<'a>(pub(crate) &'a [EventSlice]);

impl List for Slices<'_> {
    fn each(&self, visit: &mut dyn FnMut(Value<'_>)) {
        for EventSlice { batch, range, reader } in self.0 {
            for (index, event) in batch.events.iter().enumerate().skip(range.start).take(range.len()) {
                visit(Value::Object(&EventInBatch { batch, event, index, reader: *reader }));
            }
        }
    }
}

impl Object for GroupDissolve {
    fn type_name(&self) -> &'static str {
        "GroupDissolvePayload"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["groupId", "domain", "message"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "groupId" => group_id(&self.group),
            "domain" => domain(&self.group),
            "message" => Value::text(self.reason.text()),
            _ => Value::Null,
        }
    }
}

impl Object for Heartbeat {
    fn type_name(&self) -> &'static str {
        "HeartbeatPayload"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["groupId", "domain", "expiresAt", "heartbeatIntervalSeconds"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "groupId" => group_id(&self.group),
            "domain" => domain(&self.group),
            "expiresAt" => Value::Time(self.expires_at),
            "heartbeatIntervalSeconds" => Value::Int(self.interval_seconds),
            _ => Value::Null,
        }
    }
}

impl Object for MemberHeartbeat {
    fn type_name(&self) -> &'static str {
        "MemberHeartbeatPayload"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["nodeId", "groupId", "domain", "expiresAt", "heartbeatIntervalSeconds"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "nodeId" => id(&self.node_id),
            other => self.heartbeat.field(other),
        }
    }
}

impl Object for Left {
    fn type_name(&self) -> &'static str {
        "LeaveGroupPayload"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["peerId", "groupId", "domain", "message"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "peerId" => id(&self.node_id),
            "groupId" => group_id(&self.group),
            "domain" => domain(&self.group),
            "message" => Value::Text(Cow::Owned(format!("Node {} left the group", self.node_id))),
            _ => Value::Null,
        }
    }
}

impl Object for Record {
    fn type_name(&self) -> &'static str {
        "RecordEventsPayload"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["groupId", "domain", "recordedCount", "nextSince"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "groupId" => group_id(&self.group),
            "domain" => domain(&self.group),
            // A call has at most 1,000 events.
            "recordedCount" => u32::try_from(self.recorded_count).ok().into(),
            "nextSince" => Value::Cursor(self.next_since),
            _ => Value::Null,
        }
    }
}

impl Object for Polled {
    fn type_name(&self) -> &'static str {
        "PollGroupData"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["events", "nodeStatuses", "complete"]
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "events" => Value::List(Box::new(Slices(&self.events))),
            "nodeStatuses" => Value::list(&self.node_statuses),
            "complete" => Value::Boolean(self.complete),
            _ => Value::Null,
        }
    }
}

fn id(id: &Id) -> Value<'_> {
    Value::text(id.as_str())
}

fn group_id(group: &GroupKey) -> Value<'_> {
    id(&group.id)
}

fn domain(group: &GroupKey) -> Value<'_> {
    Value::text(group.domain.as_str())
}
