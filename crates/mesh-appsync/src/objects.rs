//! The model as objects of the schema: which field shows what.

use std::borrow::Cow;

use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{
    BatchEvent, Content, Event, EventSlice, Group, GroupDissolve, MeshMessage, Node, NodeStatus, SensorData,
};
use mesh_core::operations::{
    LeaveGroupAnswer, PollGroupDataAnswer, RecordEventsByNodeAnswer, RenewHeartbeatAnswer,
    SendMemberHeartbeatAnswer,
};

use crate::value::{List, Object, Value};

/// Shows a type of the model as an object of the schema: its fields, in the schema's order, each with
/// its value.
macro_rules! object {
    ($model:ty as $type_name:literal, |$this:ident| { $($field:literal => $value:expr),* $(,)? }) => {
        impl Object for $model {
            fn type_name(&self) -> &'static str {
                $type_name
            }

            fn fields(&self) -> &'static [&'static str] {
                &[$($field),*]
            }

            fn field(&self, name: &str) -> Value<'_> {
                let $this = self;
                match name {
                    $($field => $value,)*
                    _ => Value::Null,
                }
            }
        }
    };
}

object!(Group as "Group", |this| {
    "id" => group_id(&this.record.key),
    "domain" => domain(&this.record.key),
    "fullId" => Value::Text(Cow::Owned(this.record.key.to_string())),
    "name" => Value::text(&this.record.name),
    "hostId" => id(&this.record.host_id),
    "createdAt" => Value::Time(this.record.created_at),
    "expiresAt" => Value::Time(this.record.expires_at),
    "heartbeatIntervalSeconds" => Value::Int(this.heartbeat_interval_seconds),
    "useWebSocket" => Value::Boolean(this.record.use_web_socket),
    "pollingIntervalSeconds" => this.polling_interval_seconds.into(),
});

object!(Node as "Node", |this| {
    "id" => id(&this.record.id),
    "name" => match &this.record.name {
        Some(name) => Value::text(name),
        None => Value::Text(Cow::Owned(format!("Node {}", this.record.id))),
    },
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    "createdAt" => Value::Time(this.record.created_at),
    "expiresAt" => Value::Time(this.expires_at),
    "heartbeatIntervalSeconds" => Value::Int(this.heartbeat_interval_seconds),
    "useWebSocket" => Value::Boolean(this.record.use_web_socket),
    "pollingIntervalSeconds" => this.polling_interval_seconds.into(),
});

object!(MeshMessage as "MeshMessage", |this| {
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    "nodeStatus" => match &this.content {
        Content::NodeStatus(status) => Value::Object(status),
        _ => Value::Null,
    },
    "batchEvent" => match &this.content {
        Content::BatchEvent(batch) => Value::Object(&**batch),
        _ => Value::Null,
    },
    "groupDissolve" => match &this.content {
        Content::GroupDissolve(end) => Value::Object(end),
        _ => Value::Null,
    },
});

object!(NodeStatus as "NodeStatus", |this| {
    "nodeId" => id(&this.node_id),
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    "data" => Value::list(&this.data),
    "timestamp" => Value::Time(this.timestamp),
});

object!(SensorData as "SensorData", |this| {
    "key" => Value::text(&this.key),
    "value" => Value::text(&this.value),
});

object!(BatchEvent as "BatchEvent", |this| {
    "events" => Value::List(Box::new(WholeBatch(this))),
    "firedByNodeId" => id(&this.fired_by),
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    "timestamp" => Value::Time(this.timestamp),
});

/// One event, which shares what its batch says of all.
struct EventInBatch<'a> {
    batch: &'a BatchEvent,
    event: &'a Event,
    index: usize,
    reader: Option<u64>,
}

object!(EventInBatch<'_> as "Event", |this| {
    "name" => Value::text(&this.event.name),
    "firedByNodeId" => id(&this.batch.fired_by),
    "groupId" => group_id(&this.batch.group),
    "domain" => domain(&this.batch.group),
    "payload" => this.event.payload.as_ref().into(),
    "timestamp" => Value::Time(this.event.fired_at),
    "cursor" => this.batch.cursor_behind(this.index, this.reader).into(),
    "orderKey" => this.event.order_key.as_ref().into(),
});

/// All events of a batch.
struct WholeBatch<'a>(&'a BatchEvent);

impl List for WholeBatch<'_> {
    fn each_from(&self, first: usize, visit: &mut dyn FnMut(Value<'_>) -> bool) {
        self.0.events.iter().enumerate().skip(first).all(|(index, event)| {
            visit(Value::Object(&EventInBatch { batch: self.0, event, index, reader: None }))
        });
    }
}

/// The events of several slices, one after the other.
pub(crate) struct Slices<'a>(pub(crate) &'a [EventSlice]);

impl List for Slices<'_> {
    fn each_from(&self, first: usize, visit: &mut dyn FnMut(Value<'_>) -> bool) {
        let events = self.0.iter().flat_map(|EventSlice { batch, range, reader }| {
            let events = batch.events.iter().enumerate().skip(range.start).take(range.len());
            events.map(move |(index, event)| EventInBatch { batch, event, index, reader: *reader })
        });
        events.skip(first).all(|event| visit(Value::Object(&event)));
    }
}

object!(GroupDissolve as "GroupDissolvePayload", |this| {
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    "message" => Value::text(this.reason.text()),
});

object!(RenewHeartbeatAnswer as "HeartbeatPayload", |this| {
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    "expiresAt" => Value::Time(this.expires_at),
    "heartbeatIntervalSeconds" => Value::Int(this.interval_seconds),
});

object!(SendMemberHeartbeatAnswer as "MemberHeartbeatPayload", |this| {
    "nodeId" => id(&this.node_id),
    "groupId" => group_id(&this.heartbeat.group),
    "domain" => domain(&this.heartbeat.group),
    "expiresAt" => Value::Time(this.heartbeat.expires_at),
    "heartbeatIntervalSeconds" => Value::Int(this.heartbeat.interval_seconds),
});

object!(LeaveGroupAnswer as "LeaveGroupPayload", |this| {
    "peerId" => id(&this.node_id),
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    "message" => Value::Text(Cow::Owned(format!("Node {} left the group", this.node_id))),
});

object!(RecordEventsByNodeAnswer as "RecordEventsPayload", |this| {
    "groupId" => group_id(&this.group),
    "domain" => domain(&this.group),
    // A call has at most 1,000 events.
    "recordedCount" => u32::try_from(this.recorded_count).ok().into(),
    "nextSince" => Value::Cursor(this.next_since),
});

object!(PollGroupDataAnswer as "PollGroupData", |this| {
    "events" => Value::List(Box::new(Slices(&this.events))),
    "nodeStatuses" => Value::list(&this.node_statuses),
    "complete" => Value::Boolean(this.complete),
});

fn id(id: &Id) -> Value<'_> {
    Value::text(id.as_str())
}

fn group_id(group: &GroupKey) -> Value<'_> {
    id(&group.id)
}

fn domain(group: &GroupKey) -> Value<'_> {
    Value::text(group.domain.as_str())
}
