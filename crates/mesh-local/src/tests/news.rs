//! The messages that subscribers get, and their order.

use std::sync::Arc;

use mesh_core::model::{Content, DissolveReason, MeshMessage, MessageFields};

use super::{Heard, TestDisk, hearing, on_disk};

fn reasons(messages: &[MeshMessage]) -> Vec<DissolveReason> {
    let reason = |message: &MeshMessage| match &message.content {
        Content::GroupDissolve(end) => Some(end.reason),
        _ => None,
    };
    messages.iter().filter_map(reason).collect()
}

#[tokio::test]
async fn the_end_of_a_group_is_told_whatever_ended_it() {
    let publisher = Arc::<Heard>::default();
    let room = hearing(publisher.clone());
    let dissolved = room.create("dissolves").await.key();
    room.dissolve(&dissolved, "dissolves").await.unwrap();
    let left = room.create("leaves").await.key();
    room.leave(&left, "leaves").await.unwrap();
    assert_eq!(reasons(&publisher.take()), [DissolveReason::ByHost, DissolveReason::HostLeft]);

    room.create_as("school", "expires", "expires", Some(10), None).await.unwrap();
    room.create("silent").await;
    room.clock.advance_seconds(10);
    room.context.store.sweep(room.now()).await.unwrap();
    let told = publisher.take();
    assert_eq!(reasons(&told), [DissolveReason::TimeOver]);
    assert_eq!(told[0].fields, MessageFields::ALL);
    room.clock.advance_seconds(141);
    room.context.store.sweep(room.now()).await.unwrap();
    assert_eq!(reasons(&publisher.take()), [DissolveReason::HostSilent]);
    room.context.store.sweep(room.now()).await.unwrap();
    assert!(publisher.take().is_empty(), "once");
}

#[tokio::test]
async fn a_creation_tells_of_the_end_before_it() {
    let publisher = Arc::<Heard>::default();
    let room = hearing(publisher.clone());
    room.create_as("school", "host", "host", Some(10), None).await.unwrap();
    room.clock.advance_seconds(10);
    room.create("host").await;
    assert_eq!(reasons(&publisher.take()), [DissolveReason::TimeOver]);
}

#[tokio::test]
async fn a_repeated_record_is_not_told_again() {
    let publisher = Arc::<Heard>::default();
    let room = hearing(publisher.clone());
    let group = room.create("host").await.key();
    for _ in 0..3 {
        room.record_names(&group, "host", &["a"]).await.unwrap();
    }
    assert_eq!(publisher.event_names(), ["a"]);
}

#[tokio::test]
async fn news_of_a_caller_that_hung_up_leaves_all_the_same() {
    let publisher = Arc::<Heard>::default();
    let disk = TestDisk::default();
    let room = on_disk(&disk, &Arc::default(), publisher.clone());
    let group = room.create("host").await.key();
    {
        let _commits_wait = disk.hold();
        // Begun, waits for its commit, and is dropped.
        let report = room.report(&group, "host", &[("x", "1")]);
        tokio::pin!(report);
        let waiting = futures_util::poll!(report.as_mut());
        assert!(waiting.is_pending());
    }
    room.context.store.sweep(room.now()).await.unwrap();
    assert_eq!(publisher.take().len(), 1);
    assert!(room.status("host").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn news_leaves_in_the_order_of_the_store_before_it_is_answered() {
    for room_on_disk in [false, true] {
        let publisher = Arc::<Heard>::default();
        let room = if room_on_disk {
            on_disk(&TestDisk::default(), &Arc::default(), publisher.clone())
        } else {
            hearing(publisher.clone())
        };
        let group = room.create("host").await.key();
        let writers = (0..64).map(|writer| {
            let (room, group, publisher) = (room.clone(), group.clone(), publisher.clone());
            tokio::spawn(async move {
                for number in 0..25 {
                    let name = format!("{writer}/{number}");
                    if number % 3 == 0 {
                        room.report(&group, "host", &[(&name, "")]).await.unwrap();
                    } else {
                        room.fire_names(&group, "host", &[&name]).await.unwrap();
                        assert!(publisher.event_names().contains(&name), "published before it is answered");
                    }
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let told = publisher.take();
        assert_eq!(told.len(), 64 * 25);
        let (mut last_report, mut last_call) = (None, None);
        for message in told {
            match message.content {
                Content::NodeStatus(status) => {
                    assert!(last_report < Some(status.timestamp));
                    last_report = Some(status.timestamp);
                }
                Content::BatchEvent(batch) => {
                    let call = batch.recorded.map(|recorded| recorded.call);
                    assert!(last_call < call);
                    last_call = call;
                }
                Content::GroupDissolve(_) => panic!("nobody dissolved"),
            }
        }
    }
}
