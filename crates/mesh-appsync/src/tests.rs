//! The shapes against schema.graphql, and the size of a message against the message.

use std::sync::Arc;

use apollo_compiler::{Name, Schema};
use mesh_core::cursor::{Cursor, Position};
use mesh_core::id::GroupKey;
use mesh_core::model::{
    BatchEvent, CallNumber, Content, DissolveReason, Event, EventSlice, Group, GroupRecord, MeshMessage,
    MessageFields, Node, NodeRecord, NodeStatus, SensorData,
};
use mesh_core::operations::{
    LeaveGroupAnswer, PollGroupDataAnswer, RecordEventsByNodeAnswer, RenewHeartbeatAnswer,
    SendMemberHeartbeatAnswer,
};
use mesh_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::call::FIELDS;
use crate::message_fields;
use crate::pieces::Pieces;
use crate::reply::Reply;
use crate::selection::{Bounded, Part, Selection, Sink as _, write, write_all};
use crate::size;
use crate::value::Value;

const PRELUDE: &str = "scalar AWSDateTime
    directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
    directive @aws_api_key on OBJECT | FIELD_DEFINITION
    directive @aws_iam on OBJECT | FIELD_DEFINITION";

fn schema() -> Schema {
    let builder = Schema::builder().parse(PRELUDE, "prelude.graphql");
    let sdl = include_str!("../../../schema.graphql");
    builder.parse(sdl, "schema.graphql").build().unwrap()
}

fn at() -> Timestamp {
    Timestamp::parse("2026-11-23T09:00:00.000Z").unwrap()
}

fn group() -> Arc<GroupKey> {
    Arc::new(GroupKey { id: "g".into(), domain: "d".into() })
}

fn status() -> NodeStatus {
    let data = vec![SensorData { key: "k".into(), value: "v".into() }];
    NodeStatus { node_id: "n".into(), group: group(), data, timestamp: at() }
}

fn batch() -> Arc<BatchEvent> {
    let event = Event { name: "e".into(), payload: None, fired_at: at(), order_key: Some("1".into()) };
    let recorded = Some(CallNumber { epoch: 1, call: 2 });
    Arc::new(BatchEvent {
        group: group(),
        fired_by: "n".into(),
        events: [event].into(),
        timestamp: at(),
        recorded,
    })
}

fn message(content: Content) -> MeshMessage {
    MeshMessage { group: group(), content, fields: MessageFields::ALL }
}

/// A reply of each kind; together they show every object type.
fn replies() -> Vec<Reply> {
    let record = GroupRecord {
        key: group(),
        name: "n".into(),
        host_id: "h".into(),
        created_at: at(),
        expires_at: at(),
        use_web_socket: false,
    };
    let node = NodeRecord { id: "n".into(), created_at: at(), name: None, use_web_socket: false };
    let heartbeat = RenewHeartbeatAnswer { group: group(), expires_at: at(), interval_seconds: 60 };
    let slice = EventSlice { batch: batch(), range: 0..1, reader: None };
    let next_since = Cursor { epoch: 1, position: Position::default(), reader: None };
    vec![
        Reply::Group(Group { record, heartbeat_interval_seconds: 60, polling_interval_seconds: Some(2) }),
        Reply::Node(Node {
            record: node,
            group: group(),
            expires_at: at(),
            heartbeat_interval_seconds: 120,
            polling_interval_seconds: Some(2),
        }),
        Reply::LeaveGroup(LeaveGroupAnswer { group: (*group()).clone(), node_id: "n".into() }),
        Reply::Message(message(Content::NodeStatus(status()))),
        Reply::Message(message(Content::BatchEvent(batch()))),
        Reply::Message(MeshMessage::dissolve(group(), DissolveReason::ByHost, MessageFields::ALL)),
        Reply::RenewHeartbeat(heartbeat.clone()),
        Reply::SendMemberHeartbeat(SendMemberHeartbeatAnswer { node_id: "n".into(), heartbeat }),
        Reply::RecordEventsByNode(RecordEventsByNodeAnswer {
            group: (*group()).clone(),
            recorded_count: 1,
            next_since,
            is_repeated: false,
        }),
        Reply::PollGroupData(PollGroupDataAnswer {
            events: vec![slice],
            node_statuses: vec![status()],
            complete: true,
        }),
    ]
}

/// Checks a value and everything in it; notes the types seen.
fn check(schema: &Schema, value: Value<'_>, seen: &mut Vec<&'static str>) {
    match value {
        Value::Object(object) => {
            let name = object.type_name();
            let definition = schema.get_object(name).unwrap_or_else(|| panic!("{name} is no type"));
            let fields: Vec<_> = definition.fields.keys().map(Name::as_str).collect();
            assert_eq!(object.fields(), fields, "{name}");
            seen.push(name);
            object.fields().iter().for_each(|field| check(schema, object.field(field), seen));
        }
        Value::List(list) => list.each_from(0, &mut |item| {
            check(schema, item, seen);
            true
        }),
        _ => {}
    }
}

#[test]
fn objects_have_the_fields_of_their_types() {
    let (schema, mut seen) = (schema(), Vec::new());
    for reply in replies() {
        check(&schema, reply.value(), &mut seen);
    }
    let objects = schema.types.values().filter_map(|definition| definition.as_object());
    let roots = ["Query", "Mutation", "Subscription"];
    for name in objects.map(|object| object.name.as_str()).filter(|name| !name.starts_with("__")) {
        assert!(roots.contains(&name) || seen.contains(&name), "no reply shows {name}");
    }
}

#[test]
fn root_fields_are_those_of_the_schema() {
    let schema = schema();
    let roots = ["Query", "Mutation", "Subscription"].map(|root| schema.get_object(root).unwrap());
    let mut fields: Vec<_> = roots.iter().flat_map(|root| root.fields.keys().map(Name::as_str)).collect();
    let mut known = FIELDS.to_vec();
    fields.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, fields);
}

#[test]
fn message_fields_are_those_of_the_schema() {
    let schema = schema();
    let mut paths = Vec::new();
    let mut open = vec![(String::new(), "MeshMessage".to_owned())];
    while let Some((path, name)) = open.pop() {
        for (field, definition) in &schema.get_object(&name).unwrap().fields {
            let path = if path.is_empty() { field.to_string() } else { format!("{path}/{field}") };
            let inner = definition.ty.inner_named_type();
            if schema.get_object(inner).is_some() {
                open.push((path.clone(), inner.to_string()));
            }
            paths.push(path);
        }
    }
    assert_eq!(
        paths.iter().map(|path| message_fields::of_path(path)).collect::<MessageFields>(),
        MessageFields::ALL
    );
    assert_eq!(paths.len(), message_fields::paths(MessageFields::ALL).count());
}

#[test]
fn every_field_is_written_where_all_are_wanted() {
    let text = |reply: &Reply| {
        let mut out = Vec::new();
        write_all(&mut out, reply.value());
        serde_json::from_slice::<Json>(&out).unwrap()
    };
    assert_eq!(
        text(&replies()[4]),
        json!({"groupId": "g", "domain": "d", "nodeStatus": null, "groupDissolve": null, "batchEvent": {
            "events": [{"name": "e", "firedByNodeId": "n", "groupId": "g", "domain": "d", "payload": null,
                "timestamp": "2026-11-23T09:00:00.000Z", "cursor": "c1-2-1", "orderKey": "1"}],
            "firedByNodeId": "n", "groupId": "g", "domain": "d", "timestamp": "2026-11-23T09:00:00.000Z"}})
    );
    assert_eq!(text(&Reply::Groups(vec![])), json!([]));
    assert_eq!(text(&Reply::Status(None)), Json::Null);
}

proptest! {
    #[test]
    fn a_message_is_as_large_as_it_is_written(
        texts in prop::collection::vec(("\\PC{0,20}|[\\x00-\\x7f]{0,20}", prop::option::of("\\PC{0,20}")), 0..5),
        id in "\\PC{1,10}",
        bits in prop::collection::vec(any::<bool>(), 34),
        events: bool,
    ) {
        let group = Arc::new(GroupKey { id: id.as_str().into(), domain: "é\"".into() });
        let length = |(one, other): &(String, Option<String>)| {
            one.len() + 2 * other.as_ref().map_or(0, String::len)
        };
        let bound = size::bound(&group.id, &group.domain, &group.id, texts.len(), texts.iter().map(length).sum());
        let content = if events {
            let event = |(name, payload): (String, Option<String>)| {
                Event { name, order_key: payload.clone(), payload, fired_at: at() }
            };
            Content::BatchEvent(Arc::new(BatchEvent {
                group: group.clone(),
                fired_by: id.as_str().into(),
                events: texts.into_iter().map(event).collect(),
                timestamp: at(),
                recorded: None,
            }))
        } else {
            let item = |(key, value): (String, Option<String>)| {
                SensorData { key: key.into(), value: value.unwrap_or_default().into() }
            };
            let data = texts.into_iter().map(item).collect();
            Content::NodeStatus(NodeStatus { node_id: id.as_str().into(), group: group.clone(), data, timestamp: at() })
        };
        let chosen = message_fields::paths(message_fields::every()).zip(bits).filter(|(_, bit)| *bit).map(|(path, _)| path);
        // A field is selected with its parents, and an object with something in it.
        let fields: MessageFields = chosen.flat_map(|path| {
            path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]).map(message_fields::of_path).collect::<Vec<_>>()
        }).collect();
        let message = MeshMessage { group, content, fields };
        let mut out = br#"{"data":{"onMessageInGroup":"#.to_vec();
        write(&mut out, Value::Object(&message), &Selection::of_message(), Part::Only(fields));
        out.extend_from_slice(b"}}");
        prop_assert_eq!(size::bytes_of(&message), out.len());
        prop_assert!(out.len() < bound);
        let json: Json = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(json.to_string().len(), out.len(), "compact JSON");
    }
}

/// A value in pieces of about so many bytes.
fn in_pieces(reply: &Reply, fields: &Selection, bytes: usize, most: usize) -> (String, Vec<usize>, bool) {
    let (mut json, mut lengths, mut pieces) = (Vec::new(), Vec::new(), Pieces::default());
    loop {
        let before = json.len();
        let mut out = Bounded::new(&mut json, most);
        let has_ended = pieces.write(&mut out, reply.value(), fields, before + bytes);
        let is_full = out.is_full();
        lengths.push(json.len() - before);
        if has_ended {
            return (String::from_utf8(json).unwrap(), lengths, is_full);
        }
    }
}

#[test]
fn pieces_are_the_whole() {
    let leaf = |name: &str| (name.to_owned(), Selection::EMPTY);
    let object = |fields: Vec<(String, Selection)>| {
        let mut selection = Selection::default();
        for (name, fields) in fields {
            selection.push(&name, &name, MessageFields::NONE, fields);
        }
        selection
    };
    let data = object(vec![leaf("key"), leaf("__typename"), leaf("value")]);
    let status = object(vec![leaf("nodeId"), ("data".to_owned(), data), leaf("timestamp")]);
    let event = object(vec![leaf("name"), leaf("payload"), leaf("cursor")]);
    let poll = object(vec![
        ("events".to_owned(), event.clone()),
        leaf("complete"),
        ("nodeStatuses".to_owned(), status.clone()),
    ]);
    let slice = || EventSlice { batch: batch(), range: 0..1, reader: Some(7) };
    let empty = NodeStatus { data: vec![], ..self::status() };
    let statuses = || vec![self::status(), empty.clone(), self::status()];
    let events = vec![slice(), slice(), slice()];
    let polled = PollGroupDataAnswer { events: events.clone(), node_statuses: statuses(), complete: true };
    for (reply, fields) in [
        (Reply::Statuses(statuses()), &status),
        (Reply::Statuses(vec![]), &status),
        (Reply::Status(None), &status),
        (Reply::Events(events), &event),
        (Reply::PollGroupData(polled), &poll),
        (
            Reply::PollGroupData(PollGroupDataAnswer {
                events: vec![],
                node_statuses: vec![],
                complete: true,
            }),
            &Selection::EMPTY,
        ),
    ] {
        let mut whole = Vec::new();
        write(&mut whole, reply.value(), fields, Part::Whole);
        for bytes in 1..=whole.len() + 1 {
            let (json, lengths, is_full) = in_pieces(&reply, fields, bytes, usize::MAX);
            assert_eq!((json.as_bytes(), is_full), (&*whole, false), "{bytes}");
            // The longest text and what stands around it.
            assert!(lengths.iter().all(|length| *length < bytes + 50), "{bytes}: {lengths:?}");
        }
        for most in 0..whole.len() {
            assert!(in_pieces(&reply, fields, 10, most).2, "{most}");
        }
    }
}
