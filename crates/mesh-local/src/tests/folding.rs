//! A log that is folded holds the same as before, whatever changes meanwhile.

use std::sync::Arc;

use mesh_core::model::Event;
use mesh_core::testing::{Harness, event};

use super::{Heard, LocalStore, SyncPolicy, TestDisk, all_names, on_disk, open_with};

fn fold(room: &Harness<LocalStore>) {
    room.context.store.journal.as_ref().unwrap().fold_now();
}

#[tokio::test]
async fn a_folded_log_is_short_and_holds_everything() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = on_disk(&disk, &clock, Arc::<Heard>::default());
    let group = room.create_with_poller("host").await;
    room.join(&group, "node").await.unwrap();
    for number in 0..200 {
        room.report(&group, "node", &[("x", &number.to_string())]).await.unwrap();
    }
    room.report(&group, "host", &[("h", "1")]).await.unwrap();
    let call = vec![event("a", room.now())];
    let recorded = room.record(&group, "node", call.clone()).await.unwrap();
    let expired = room.create_as("school", "short", "short", Some(10), None).await.unwrap().key();
    room.clock.advance_seconds(10);
    room.context.store.sweep(room.now()).await.unwrap();
    let before = disk.length();
    fold(&room);
    assert!(disk.length() < before / 5, "{} of {before} bytes", disk.length());
    room.report(&group, "node", &[("y", "after")]).await.unwrap();
    let statuses = room.statuses(&group).await.unwrap();
    let (nodes, heard) = (room.nodes(&group).await.unwrap(), room.events_since(&group, "").await);
    disk.cut_power(0);
    drop(room);

    let room = on_disk(&disk, &clock, Arc::<Heard>::default());
    assert_eq!(room.statuses(&group).await.unwrap(), statuses);
    assert_eq!(room.nodes(&group).await.unwrap(), nodes);
    assert_eq!(room.events_since(&group, "").await, heard);
    assert_eq!(room.record(&group, "node", call).await.unwrap().next_since, recorded.next_since);
    assert_eq!(room.events_since(&group, "").await, heard, "the repeated call is recognised");
    let text = room.poll(&expired, "").await.unwrap_err().to_string();
    assert_eq!(text, format!("Group expired: {expired}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_by_folding_while_others_write() {
    for policy in [SyncPolicy::Always, SyncPolicy::default()] {
        let (disk, clock) = (TestDisk::default(), Arc::default());
        let room = open_with(&disk, policy, &clock, Arc::<Heard>::default()).unwrap();
        let group = room.create_with_poller("host").await;
        let writers = (0..8).map(|writer| {
            let (room, group) = (room.clone(), group.clone());
            tokio::spawn(async move {
                let node = format!("n{writer}");
                for number in 0..100 {
                    room.join(&group, &node).await.unwrap();
                    room.report(&group, &node, &[("x", &number.to_string())]).await.unwrap();
                    room.fire_names(&group, &node, &[&format!("{writer}/{number}")]).await.unwrap();
                    if number % 3 == 0 {
                        room.leave(&group, &node).await.unwrap();
                    }
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        for _ in 0..20 {
            fold(&room);
            tokio::task::yield_now().await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let statuses = room.statuses(&group).await.unwrap();
        let (nodes, heard) = (room.nodes(&group).await.unwrap(), all_names(&room, &group).await);
        disk.kill();
        drop(room);
        let room = open_with(&disk, policy, &clock, Arc::<Heard>::default()).unwrap();
        assert_eq!(room.statuses(&group).await.unwrap(), statuses);
        assert_eq!(room.nodes(&group).await.unwrap(), nodes);
        assert_eq!(all_names(&room, &group).await, heard);
        assert_eq!(heard.len(), 800);
    }
}

#[tokio::test]
async fn a_log_is_folded_by_itself_and_stays_bounded() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = open_with(&disk, SyncPolicy::default(), &clock, Arc::<Heard>::default()).unwrap();
    let group = room.create("host").await.key();
    let large = Event { payload: Some("x".repeat(200_000)), ..event("", room.now()) };
    for _ in 0..400 {
        room.fire(&group, "host", vec![large.clone()]).await.unwrap();
        // Three times what the group keeps.
        assert!(disk.length() < 25 << 20, "{}", disk.length());
    }
    room.context.store.close();
}
