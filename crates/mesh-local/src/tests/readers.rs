//! Where a node goes on that records: right behind what it was last served, and nobody else has a say in that.

use std::net::IpAddr;

use mesh_core::cursor::Since;
use mesh_core::id::GroupKey;
use mesh_core::testing::{Harness, TestClock};

use super::{Heard, LocalStore, TestDisk, in_memory, on_disk};

const CLASSROOM: &str = "192.0.2.7";

fn from(room: &Harness<LocalStore>, address: &str) -> Harness<LocalStore> {
    room.coming_from(address.parse::<IpAddr>().unwrap())
}

/// The names of the events behind the cursor that the node is told when it records next.
async fn goes_on_with(room: &Harness<LocalStore>, key: &GroupKey, node: &str) -> Vec<String> {
    // The same call a second time would be a repeated one.
    room.clock.advance_seconds(1);
    let since = room.record_names(key, node, &["own"]).await.unwrap().next_since.to_string();
    room.names_since(key, &since).await
}

#[tokio::test]
async fn the_only_poller_of_an_address_loses_nothing_with_its_first_record() {
    let room = in_memory();
    let key = room.create("host").await.key();
    let poller = from(&room, CLASSROOM);
    poller.join_as(&key, "poller", Some(false)).await.unwrap();
    room.fire_names(&key, "host", &["heard"]).await.unwrap();
    assert_eq!(poller.names_since(&key, "").await, ["heard"]);
    room.fire_names(&key, "host", &["missed"]).await.unwrap();
    assert_eq!(goes_on_with(&poller, &key, "poller").await, ["missed", "own"]);
}

#[tokio::test]
async fn the_host_of_a_polling_group_loses_nothing_either() {
    let room = in_memory();
    let host = from(&room, CLASSROOM);
    let key = host.create_as("school", "host", "host", None, Some(false)).await.unwrap().key();
    host.names_since(&key, "").await;
    room.join(&key, "node").await.unwrap();
    room.record_names(&key, "node", &["missed"]).await.unwrap();
    assert_eq!(goes_on_with(&host, &key, "host").await, ["missed", "own"]);
}

#[tokio::test]
async fn of_two_pollers_behind_an_address_nothing_is_assumed() {
    let room = in_memory();
    let key = room.create("host").await.key();
    let pollers = from(&room, CLASSROOM);
    pollers.join_as(&key, "one", Some(false)).await.unwrap();
    pollers.join_as(&key, "two", Some(false)).await.unwrap();
    pollers.names_since(&key, "").await;
    room.fire_names(&key, "host", &["before"]).await.unwrap();
    assert_eq!(goes_on_with(&pollers, &key, "one").await, ["own"]);
    // Once the other has left, or listens, the one is alone.
    pollers.join_as(&key, "two", Some(true)).await.unwrap();
    pollers.names_since(&key, "").await;
    room.fire_names(&key, "host", &["missed"]).await.unwrap();
    assert_eq!(goes_on_with(&pollers, &key, "one").await, ["missed", "own"]);
}

#[tokio::test]
async fn polls_of_others_move_nobody() {
    let room = in_memory();
    let key = room.create("host").await.key();
    let poller = from(&room, CLASSROOM);
    poller.join_as(&key, "poller", Some(false)).await.unwrap();
    poller.names_since(&key, "").await;
    room.fire_names(&key, "host", &["missed"]).await.unwrap();
    // From elsewhere, and from the same address without what the node has not been served.
    from(&room, "192.0.2.8").names_since(&key, "").await;
    poller.names_since(&key, "2090-01-01T00:00Z").await;
    assert_eq!(goes_on_with(&poller, &key, "poller").await, ["missed", "own"]);
}

#[tokio::test]
async fn what_a_reader_was_served_only_rises() {
    let room = in_memory();
    let key = room.create_with_poller("host").await;
    let first = room.record_names(&key, "poller", &["own"]).await.unwrap().next_since;
    let heard = room.events_since(&key, &first.to_string()).await;
    // An old cursor of its own, once more.
    room.events_since(&key, &first.to_string()).await;
    room.record_names(&key, "host", &["missed"]).await.unwrap();
    let second = room.record_names(&key, "poller", &["own again"]).await.unwrap().next_since;
    assert_eq!(
        Since::parse(&heard[0].cursor).unwrap(),
        Since::Cursor(second),
        "right behind what it was served"
    );
}

#[tokio::test]
async fn a_reader_that_left_is_unknown() {
    let room = in_memory();
    let key = room.create_with_poller("host").await;
    let gone = room.record_names(&key, "poller", &["own"]).await.unwrap().next_since;
    room.leave(&key, "poller").await.unwrap();
    let heard = room.events_since(&key, &gone.to_string()).await;
    let Since::Cursor(place) = Since::parse(&heard[0].cursor).unwrap() else { panic!("a cursor") };
    assert_eq!((&*heard[0].name, place.reader), ("own", None), "its place is served, and nobody named");
    room.join_as(&key, "poller", Some(false)).await.unwrap();
    let again = room.record_names(&key, "poller", &["new"]).await.unwrap().next_since;
    assert_ne!(again.reader, gone.reader, "a new membership is another reader");
}

#[tokio::test]
async fn a_reader_is_known_behind_a_restart() {
    let (disk, clock) = (TestDisk::default(), TestClock::new().into());
    let room = on_disk(&disk, &clock, std::sync::Arc::<Heard>::default());
    let key = room.create_with_poller("host").await;
    let since = room.record_names(&key, "poller", &["own"]).await.unwrap().next_since;
    room.names_since(&key, &since.to_string()).await;
    room.context.store.close();
    drop(room);
    let room = on_disk(&disk, &clock, std::sync::Arc::<Heard>::default());
    let heard = room.events_since(&key, &since.to_string()).await;
    assert_eq!(heard.len(), 1);
    room.record_names(&key, "host", &["missed"]).await.unwrap();
    assert_eq!(goes_on_with(&room, &key, "poller").await, ["missed", "own"]);
}
