//! Disks that are full and files that are damaged.

use std::sync::Arc;

use mesh_core::testing::TestClock;
use proptest::prelude::*;

use super::{Heard, OpenError, SyncPolicy, TestDisk, is_in_use, on_disk, open, open_with};

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let (disk, clock, publisher) =
        (TestDisk::default(), Arc::<TestClock>::default(), Arc::<Heard>::default());
    let room = on_disk(&disk, &clock, publisher.clone());
    let group = room.create_with_poller("host").await;
    room.join(&group, "node").await.unwrap();
    room.report(&group, "node", &[("x", "1")]).await.unwrap();
    let heard = room.events_since(&group, "").await;
    publisher.take();

    for round in 0..3 {
        disk.set_full(true);
        for refused in [
            room.report(&group, "node", &[("x", "lost")]).await.map(drop),
            room.record_names(&group, "node", &["lost"]).await.map(drop),
            room.leave(&group, "node").await.map(drop),
            room.dissolve(&group, "host").await.map(drop),
            room.create_in("school", "other").await.map(drop),
        ] {
            assert_eq!(refused.unwrap_err().error_type().as_str(), "InternalFailure");
        }
        assert!(publisher.take().is_empty(), "nothing refused is published");
        disk.set_full(false);

        // It comes back by itself, without what was refused.
        let statuses = loop {
            match room.statuses(&group).await {
                Ok(statuses) => break statuses,
                Err(error) => assert_eq!(error.error_type().as_str(), "InternalFailure"),
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(&*statuses[0].data[0].value, if round == 0 { "1" } else { "kept" });
        assert_eq!(room.events_since(&group, "").await, heard);
        assert_eq!(room.groups("school").await.len(), 1);
        room.report(&group, "node", &[("x", "kept")]).await.unwrap();
        assert_eq!(publisher.take().len(), 1);
    }
    disk.kill();
    drop(room);
    let room = on_disk(&disk, &clock, publisher);
    assert_eq!(&*room.status("node").await.unwrap().data[0].value, "kept");
}

/// A panic is a failed write, by whichever thread, and the store says so until writes succeed.
#[tokio::test]
async fn a_panic_while_writing_is_a_failed_commit() {
    for policy in [SyncPolicy::Always, SyncPolicy::Never, SyncPolicy::default()] {
        let (disk, clock, publisher) = (TestDisk::default(), Arc::default(), Arc::<Heard>::default());
        let room = open_with(&disk, policy, &clock, publisher.clone()).unwrap();
        let group = room.create_with_poller("host").await;
        room.report(&group, "host", &[("x", "1")]).await.unwrap();
        publisher.take();
        disk.set_panics(true);
        let refused = room.report(&group, "host", &[("x", "lost")]).await.unwrap_err();
        assert_eq!(refused.error_type().as_str(), "InternalFailure");
        assert!(!room.context.store.can_commit(), "no write can succeed");
        assert!(publisher.take().is_empty(), "nothing refused is published");
        disk.set_panics(false);
        while !room.context.store.can_commit() {
            tokio::task::yield_now().await;
        }
        assert_eq!(&*room.status("host").await.unwrap().data[0].value, "1");
        room.report(&group, "host", &[("x", "2")]).await.unwrap();
        assert_eq!(publisher.take().len(), 1);
        disk.kill();
        drop(room);
        let room = open_with(&disk, policy, &clock, publisher).unwrap();
        assert_eq!(&*room.status("host").await.unwrap().data[0].value, "2");
    }
}

/// What is read goes on over a full disk, but health is not claimed while nothing can be written. A call is refused
/// at once, however long the disk stays full.
#[tokio::test]
async fn a_store_over_a_full_disk_reads_and_says_that_it_cannot_write() {
    for policy in [SyncPolicy::Always, SyncPolicy::Never, SyncPolicy::default()] {
        let (disk, clock) = (TestDisk::default(), Arc::default());
        let room = open_with(&disk, policy, &clock, Arc::<Heard>::default()).unwrap();
        let group = room.create_with_poller("host").await;
        room.report(&group, "host", &[("x", "1")]).await.unwrap();
        let length = disk.length();
        disk.set_full(true);
        for _ in 0..3 {
            room.report(&group, "host", &[("x", "lost")]).await.unwrap_err();
            let value = loop {
                if let Ok(statuses) = room.statuses(&group).await {
                    break statuses[0].data[0].value.clone();
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(&*value, "1");
            assert!(!room.context.store.can_commit(), "it reads, and cannot write");
        }
        disk.set_full(false);
        while !room.context.store.can_commit() {
            tokio::task::yield_now().await;
        }
        assert_eq!(disk.length(), length, "the trial leaves nothing");
    }
}

/// The bytes of a file that holds a little of everything.
async fn file() -> Vec<u8> {
    let disk = TestDisk::default();
    let room = on_disk(&disk, &Arc::default(), Arc::<Heard>::default());
    let group = room.create_with_poller("host").await;
    for number in 0..20 {
        room.report(&group, "host", &[("x", &number.to_string()), (&format!("k{number}"), "v")])
            .await
            .unwrap();
        room.record_names(&group, "poller", &["a", "b"]).await.unwrap();
    }
    disk.kill();
    disk.bytes()
}

fn refusal(disk: &TestDisk) -> String {
    let error = open(disk, &Arc::default(), Arc::<Heard>::default()).map(drop).expect_err("this is no store");
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
    error.to_string()
}

#[tokio::test]
async fn damage_before_a_restart_is_never_a_torn_tail() {
    let disk = TestDisk::holding(file().await);
    let room = on_disk(&disk, &Arc::default(), Arc::<Heard>::default());
    disk.kill();
    drop(room);
    let mut bytes = disk.bytes();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let text = refusal(&TestDisk::holding(bytes));
    assert!(text.contains("damaged"), "{text}");
}

#[test]
fn a_foreign_file_is_refused() {
    for bytes in [b"hello".to_vec(), vec![0; 4_096], vec![0xff; 1 << 20], b"SQLite format 3\0".repeat(300)] {
        let disk = TestDisk::holding(bytes.clone());
        let text = refusal(&disk);
        assert!(text.contains("Nothing was deleted") && text.contains("--data"), "{text}");
        assert!(disk.bytes() == bytes);
    }
}

#[test]
fn a_log_of_another_version_is_refused() {
    let disk = TestDisk::holding(b"mesh store 9999\nwhatever follows".to_vec());
    let text = refusal(&disk);
    assert!(text.contains("another version"), "{text}");
}

#[test]
fn a_database_of_an_older_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let older = folder.path().join("store.redb");
    std::fs::write(&older, "redb").unwrap();
    let error = open_file(&folder.path().join("store.log")).map(drop).unwrap_err();
    assert!(error.to_string().contains("older version") && error.to_string().contains("--data"), "{error}");
    assert!(older.exists());
}

fn open_file(path: &std::path::Path) -> Result<super::LocalStore, OpenError> {
    super::LocalStore::open(
        path,
        SyncPolicy::default(),
        super::local_settings(),
        Arc::<TestClock>::default(),
        Arc::<Heard>::default(),
        Box::new(|_| ()),
    )
}

#[test]
fn a_file_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.log");
    let open = || open_file(&path);
    assert!(!is_in_use(&path));
    let first = open().unwrap();
    assert!(is_in_use(&path));
    let error = open().map(drop).unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    drop(first);
    open().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_damaged_file_is_refused_or_read_but_never_a_panic(
        cut in 0.0..1.0_f64,
        flips in prop::collection::vec((0.0..1.0_f64, 1..=255_u8), 0..6),
        truncate: bool,
    ) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
        let place = |length: usize, part: f64| (length as f64 * part) as usize;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut bytes = runtime.block_on(file());
        if truncate {
            bytes.truncate(place(bytes.len(), cut));
        }
        for (part, mask) in flips {
            let at = place(bytes.len(), part);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= mask;
            }
        }
        let disk = TestDisk::holding(bytes);
        let _ = open(&disk, &Arc::default(), Arc::<Heard>::default());
    }
}
