//! What each operation costs, at items of 1 KB: reads and writes of DynamoDB's units.
//!
//! A consistent read is 1 for 4 KB, a write is 1 for 1 KB and 1 for each entry of an index that it
//! adds or removes, refused conditions cost as much, and transactions twice as much.
//!
//! Some units are the price of a rule. createGroup reads its domain because a domain has a most of
//! groups, and writes an entry of its host because hosting is a membership. joinGroup writes the group
//! because a group has a most of nodes: a seat is one write, counting 40 members would be ten reads.
//! recordEventsByNode notes what was published, so that a repeated call publishes nothing twice.

#![allow(clippy::float_cmp, reason = "units are whole or half")]

use std::pin::Pin;
use std::sync::Arc;

use mesh_core::error::StoreFailure;
use mesh_core::id::GroupKey;
use mesh_core::model::MeshMessage;
use mesh_core::testing::{Harness, TestClock, event};
use mesh_dynamodb::testing::{Engine, Fault, Request, TABLE, client, make_table};
use mesh_dynamodb::{DynamoStore, Publisher, Table};

use super::{harness, settings};

/// Units used since the last call of this, as (reads, writes).
fn used(room: &Harness<DynamoStore>) -> (f64, f64) {
    let usage = room.context.store.take_usage();
    (usage.read_units, usage.write_units)
}

/// Two homes: one whose nodes have no secrets, and one where all have the same. A secret costs nothing.
async fn with_and_without_secrets() -> [Harness<DynamoStore>; 2] {
    [harness().await, harness().await.with_secret("the secret of every node")]
}

async fn group_in(room: &Harness<DynamoStore>) -> GroupKey {
    let key = room.create("host").await.key();
    used(room);
    key
}

#[tokio::test]
async fn groups() {
    for room in with_and_without_secrets().await {
        units_of_groups(room).await;
    }
}

async fn units_of_groups(room: Harness<DynamoStore>) {
    let key = room.create("host").await.key();
    // The item and its two entries; counting the domain's groups.
    assert_eq!(used(&room), (1.0, 3.0), "createGroup");
    room.create("host").await;
    assert_eq!(used(&room), (0.0, 1.0), "createGroup again");
    room.clock.advance_seconds(60);
    room.create("host").await;
    assert_eq!(used(&room), (0.0, 2.0), "createGroup again, a minute later");
    room.renew(&key, "host").await.unwrap();
    assert_eq!(used(&room), (0.0, 1.0), "renewHeartbeat");

    for number in 0..7 {
        room.create(&format!("host{number}")).await;
    }
    used(&room);
    assert_eq!(room.groups("school").await.len(), 8);
    assert_eq!(used(&room), (1.0, 0.0), "listGroupsByDomain of 8 groups");
    assert_eq!(room.search("host", Some(8)).await.unwrap().len(), 8);
    assert_eq!(used(&room), (0.5 + 8.0 * 0.5, 0.0), "searchGroupsByNamePrefix, 8 found");

    room.clock.advance_seconds(2_100);
    room.create("host").await;
    assert_eq!(used(&room), (1.0, 6.0), "createGroup after the last one expired");
}

/// A domain's groups that are over for more than an hour do not make it dearer for ever, though DynamoDB deletes
/// them hours later: each new group removes ten.
#[tokio::test]
async fn dead_groups() {
    let room = harness().await;
    // A domain has at most 20 living groups here.
    for wave in 0..3 {
        for number in 0..20 {
            room.create(&format!("dead{wave}.{number}")).await;
        }
        room.clock.advance_seconds(2_101);
    }
    room.clock.advance_seconds(3_601);
    used(&room);
    assert!(room.groups("school").await.is_empty());
    let (among_dead, _) = used(&room);
    room.create("host0").await;
    assert_eq!(
        used(&room).1,
        3.0 + 10.0 * 3.0,
        "createGroup among 60 dead groups: itself, and ten with their entries"
    );
    for number in 1..6 {
        room.create(&format!("host{number}")).await;
    }
    used(&room);
    assert_eq!(room.groups("school").await.len(), 6);
    assert_eq!((among_dead, used(&room)), (5.0, (1.0, 0.0)), "listGroupsByDomain before and afterwards");
    room.create("host6").await;
    assert_eq!(used(&room), (1.0, 3.0), "nothing is left to remove");
}

#[tokio::test]
async fn members() {
    for room in with_and_without_secrets().await {
        units_of_members(room).await;
    }
}

async fn units_of_members(room: Harness<DynamoStore>) {
    let key = group_in(&room).await;
    room.join(&key, "node").await.unwrap();
    assert_eq!(used(&room), (1.0, 3.0), "joinGroup");
    room.join_as(&key, "poller", Some(false)).await.unwrap();
    assert_eq!(used(&room), (1.0, 3.0), "joinGroup of the first poller");
    room.clock.advance_seconds(1);
    room.join(&key, "node").await.unwrap();
    assert_eq!(used(&room), (0.0, 4.0), "joinGroup again");
    room.beat(&key, "node").await.unwrap();
    assert_eq!(used(&room), (1.0, 1.0), "sendMemberHeartbeat");
    room.nodes(&key).await.unwrap();
    assert_eq!(used(&room), (2.0, 0.0), "listNodesInGroup");
    room.leave(&key, "node").await.unwrap();
    assert_eq!(used(&room), (1.0, 2.0), "leaveGroup");
}

/// A join that is refused for its secret takes no seat for good: that would make the next ones count all members.
#[tokio::test]
async fn refused_joins() {
    let room = harness().await;
    let key = group_in(&room).await;
    room.with_secret("the secret of its node").join(&key, "protected").await.unwrap();
    // A group has at most 20 nodes here.
    for _ in 0..25 {
        used(&room);
        room.join(&key, "protected").await.unwrap_err();
        assert_eq!(used(&room), (0.0, 3.0), "joinGroup, refused");
    }
    room.join(&key, "node").await.unwrap();
    assert_eq!(used(&room), (1.0, 3.0), "joinGroup");
}

#[tokio::test]
async fn values() {
    for room in with_and_without_secrets().await {
        units_of_values(room).await;
    }
}

async fn units_of_values(room: Harness<DynamoStore>) {
    let key = group_in(&room).await;
    let text = "x".repeat(300);
    let report = [("a", &*text), ("b", &*text)];
    room.report(&key, "host", &report).await.unwrap();
    assert_eq!(used(&room), (2.0, 2.0), "reportStatus, the host's first");
    room.join(&key, "node").await.unwrap();
    used(&room);
    for _ in 0..3 {
        room.clock.advance_seconds(1);
        room.report(&key, "node", &report).await.unwrap();
        assert_eq!(used(&room), (1.0, 1.0), "reportStatus");
    }
    room.report(&key, "node", &report).await.unwrap();
    assert_eq!(used(&room), (1.0, 2.0), "reportStatus twice in a millisecond");
    assert!(room.status("node").await.is_some());
    assert_eq!(used(&room), (2.5, 0.0), "getNodeStatus");
    assert!(room.status("host").await.is_some());
    assert_eq!(used(&room), (2.5, 0.0), "getNodeStatus of a host");
    room.statuses(&key).await.unwrap();
    assert_eq!(used(&room), (2.0, 0.0), "listGroupStatuses, 2 KB");
}

#[tokio::test]
async fn events() {
    for room in with_and_without_secrets().await {
        units_of_events(room).await;
    }
}

async fn units_of_events(room: Harness<DynamoStore>) {
    let key = group_in(&room).await;
    room.join(&key, "node").await.unwrap();
    used(&room);
    room.fire_names(&key, "node", &["e"]).await.unwrap();
    assert_eq!(used(&room), (2.0, 0.0), "fireEventsByNode");
    room.clock.advance_seconds(10);
    room.fire_names(&key, "node", &["e"]).await.unwrap();
    assert_eq!(used(&room), (2.0, 1.0), "fireEventsByNode, with the heartbeat of ten seconds");
    room.join_as(&key, "poller", Some(false)).await.unwrap();
    used(&room);
    room.fire_names(&key, "node", &["e"]).await.unwrap();
    assert_eq!(used(&room), (3.0, 1.0), "fireEventsByNode, the first that is recorded");
    room.fire_names(&key, "node", &["e"]).await.unwrap();
    assert_eq!(used(&room), (3.0, 1.0), "fireEventsByNode, recorded");
    let small = vec![event("e", room.now())];
    room.record(&key, "poller", small.clone()).await.unwrap();
    assert_eq!(used(&room), (3.0, 4.0), "recordEventsByNode");
    room.record(&key, "poller", small).await.unwrap();
    assert_eq!(used(&room), (3.0, 4.0), "recordEventsByNode again");
    let cursor = room.events_since(&key, "").await.pop().unwrap().cursor;
    used(&room);
    room.names_since(&key, "").await;
    assert_eq!(used(&room), (2.0, 0.0), "getEventsSince everything, 1 KB");
    room.names_since(&key, &cursor).await;
    assert_eq!(used(&room), (2.0, 0.0), "getEventsSince a cursor");
    room.poll(&key, &cursor).await.unwrap();
    assert_eq!(used(&room), (4.0, 0.0), "pollGroupData");
}

/// Tells nobody, at once.
struct Silent;

impl Publisher for Silent {
    fn publish<'a>(
        &'a self,
        _message: &'a MeshMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreFailure>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn events_that_are_published() {
    let engine = Engine::new();
    make_table(&engine).await;
    let table = Table::new(client(&engine, Arc::new(|_: &Request| Fault::None)), TABLE);
    let store = DynamoStore::new(table, settings(20)).publishing_to(Arc::new(Silent));
    let room = Harness::new(store, Arc::new(TestClock::new()), settings(20));
    let key = room.create_with_poller("host").await;
    used(&room);
    let call = vec![event("e", room.now())];
    room.record(&key, "poller", call.clone()).await.unwrap();
    assert_eq!(used(&room), (3.0, 5.0), "recordEventsByNode, and the note that it was published");
    room.record(&key, "poller", call).await.unwrap();
    assert_eq!(used(&room), (3.0, 4.0), "recordEventsByNode again");
}

#[tokio::test]
async fn a_group_of_forty_is_dissolved() {
    let room = super::harness_of(40).await;
    let key = room.create("host").await.key();
    let text = "x".repeat(700);
    for number in 0..40 {
        let node = format!("node{number}");
        room.join(&key, &node).await.unwrap();
        room.report(&key, &node, &[("a", &text)]).await.unwrap();
    }
    used(&room);
    room.dissolve(&key, "host").await.unwrap();
    let (reads, writes) = used(&room);
    // Three for the group and its entries, two for each member, one for what is left of the group.
    assert_eq!(writes, 84.0, "dissolveGroup");
    assert!(reads <= 11.0, "dissolveGroup reads {reads}");
}
