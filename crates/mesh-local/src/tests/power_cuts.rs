//! Losses that a power cut may cause, and those that it never causes.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::testing::{Harness, TestClock, event};
use proptest::prelude::*;

use super::{Heard, LocalStore, SyncPolicy, TestDisk, open_with};
use crate::testing::Survival;

/// So rarely flushed that a test decides when.
const RARELY: SyncPolicy = SyncPolicy::Within(Duration::from_hours(1));

fn start(disk: &TestDisk, clock: &Arc<TestClock>, policy: SyncPolicy) -> Harness<LocalStore> {
    open_with(disk, policy, clock, Arc::<Heard>::default()).unwrap()
}

fn flush(room: &Harness<LocalStore>) {
    room.context.store.journal.as_ref().unwrap().sync().unwrap();
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_not_flushed() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = start(&disk, &clock, RARELY);
    let group = room.create_with_poller("host").await;
    room.record_names(&group, "host", &["a"]).await.unwrap();
    room.report(&group, "host", &[("x", "1")]).await.unwrap();
    let cursor = room.events_since(&group, "").await[0].cursor.clone();
    assert!(disk.unsynced() > 0, "nothing of it was flushed");
    disk.kill();
    drop(room);
    let room = start(&disk, &clock, RARELY);
    assert_eq!(room.names_since(&group, "").await, ["a"]);
    assert_eq!(room.statuses(&group).await.unwrap().len(), 1);
    assert!(room.poll(&group, &cursor).await.unwrap().complete, "and cursors go on");
}

#[tokio::test]
async fn a_power_cut_takes_what_was_not_flushed_and_cursors_say_so() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = start(&disk, &clock, RARELY);
    let group = room.create_with_poller("host").await;
    room.record_names(&group, "host", &["kept"]).await.unwrap();
    flush(&room);
    room.record_names(&group, "host", &["lost"]).await.unwrap();
    let lost = room.events_since(&group, "").await[1].cursor.clone();
    disk.cut_power(0);
    drop(room);

    let room = start(&disk, &clock, RARELY);
    assert_eq!(room.names_since(&group, "").await, ["kept"]);
    room.record_names(&group, "host", &["new"]).await.unwrap();
    // The new event has the place of the lost one, so a cursor behind that must not hide it.
    assert_eq!(room.names_since(&group, &lost).await, ["kept", "new"]);
    assert!(!room.poll(&group, &lost).await.unwrap().complete);
}

#[tokio::test]
async fn a_closed_store_keeps_its_cursors_over_a_power_cut() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = start(&disk, &clock, RARELY);
    let group = room.create_with_poller("host").await;
    room.record_names(&group, "host", &["a"]).await.unwrap();
    let cursor = room.events_since(&group, "").await[0].cursor.clone();
    room.context.store.close();
    assert!(room.report(&group, "host", &[("x", "late")]).await.is_err());
    assert!(!room.context.store.can_commit());
    drop(room);
    disk.cut_power(0);
    let room = start(&disk, &clock, RARELY);
    assert!(room.poll(&group, &cursor).await.unwrap().complete);
}

/// With `never` the system flushes when it likes, and a clean end does.
#[tokio::test]
async fn without_flushes_a_clean_end_is_on_the_disk() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = start(&disk, &clock, SyncPolicy::Never);
    let group = room.create_with_poller("host").await;
    room.record_names(&group, "host", &["a"]).await.unwrap();
    let lost = disk.unsynced();
    assert!(lost > 0, "nothing flushes");
    room.context.store.close();
    assert_eq!(disk.unsynced(), 0);
    drop(room);
    disk.cut_power(0);
    let room = start(&disk, &clock, SyncPolicy::Never);
    assert_eq!(room.names_since(&group, "").await, ["a"]);
    let cursor = room.record_names(&group, "host", &["b"]).await.unwrap().next_since.to_string();
    disk.cut_power(0);
    drop(room);
    let room = start(&disk, &clock, SyncPolicy::Never);
    assert_eq!(room.names_since(&group, "").await, ["a"], "a power cut took it");
    assert!(!room.poll(&group, &cursor).await.unwrap().complete, "and cursors say so");
}

#[tokio::test]
async fn a_disk_that_does_not_flush_is_noticed_and_healed() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = start(&disk, &clock, RARELY);
    let group = room.create_with_poller("host").await;
    room.record_names(&group, "host", &["before"]).await.unwrap();
    disk.set_refuses_flushes(true);
    room.context.store.journal.as_ref().unwrap().sync_or_refuse();
    assert!(!room.context.store.can_commit());
    let refused = room.record_names(&group, "host", &["refused"]).await.unwrap_err();
    assert_eq!(refused.error_type().as_str(), "InternalFailure");
    disk.set_refuses_flushes(false);
    while !room.context.store.can_commit() {
        tokio::task::yield_now().await;
    }
    assert_eq!(room.names_since(&group, "").await, ["before"]);
    room.record_names(&group, "host", &["after"]).await.unwrap();
    flush(&room);
    disk.cut_power(0);
    drop(room);
    let room = start(&disk, &clock, RARELY);
    assert_eq!(room.names_since(&group, "").await, ["before", "after"]);
}

#[tokio::test]
async fn with_flushes_before_answers_a_failed_flush_is_a_refusal() {
    let (disk, clock) = (TestDisk::default(), Arc::default());
    let room = start(&disk, &clock, SyncPolicy::Always);
    let group = room.create_with_poller("host").await;
    room.record_names(&group, "host", &["kept"]).await.unwrap();
    disk.set_refuses_flushes(true);
    assert!(room.record_names(&group, "host", &["refused"]).await.is_err());
    disk.set_refuses_flushes(false);
    while !room.context.store.can_commit() {
        tokio::task::yield_now().await;
    }
    assert_eq!(room.names_since(&group, "").await, ["kept"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn after_any_power_cut_there_is_a_beginning_of_what_was_acknowledged(
        flushed in 0..20_usize,
        unflushed in 0..20_usize,
        fold_at in prop::option::of(0..40_usize),
        survivals in prop::collection::vec(
            prop_oneof![
                Just(Survival::Whole),
                Just(Survival::Lost),
                (0..200_usize).prop_map(Survival::Torn),
            ],
            60,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (disk, clock) = (TestDisk::default(), Arc::default());
            let room = start(&disk, &clock, RARELY);
            let group = room.create_with_poller("host").await;
            flush(&room);
            let mut acknowledged = Vec::new();
            for number in 0..flushed + unflushed {
                if fold_at == Some(number) {
                    room.context.store.journal.as_ref().unwrap().fold_now();
                }
                let name = number.to_string();
                room.record(&group, "host", vec![event(&name, room.now())]).await.unwrap();
                acknowledged.push(name);
                if acknowledged.len() == flushed {
                    flush(&room);
                }
            }
            let mut survivals = survivals.into_iter();
            disk.cut_power_with(|| survivals.next().unwrap_or(Survival::Lost));
            drop(room);
            let room = start(&disk, &clock, RARELY);
            let found = room.names_since(&group, "").await;
            assert!(acknowledged.starts_with(&found), "{found:?}");
            assert!(found.len() >= flushed, "{} of {flushed} that were flushed", found.len());
        });
    }
}
