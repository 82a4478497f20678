//! A log that grows faster than it is folded, or that cannot be folded.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::poll;
use mesh_core::error::Result;
use mesh_core::id::GroupKey;
use mesh_core::testing::{Harness, TestClock};
use proptest::prelude::*;

use super::{Heard, LocalStore, SyncPolicy, TestDisk, open_with};
use crate::testing::Survival;

/// The length at which logs are folded here. The state is smaller, so none grows much beyond twice as many bytes.
const LEAST: usize = 8 << 10;
/// More than a record of a report.
const RECORD: usize = 3_000;
/// So rarely flushed that a test decides when.
const RARELY: SyncPolicy = SyncPolicy::Within(Duration::from_hours(1));

/// A store over a disk, with a group whose host reports numbers.
struct Home {
    disk: TestDisk,
    clock: Arc<TestClock>,
    room: Harness<LocalStore>,
    group: GroupKey,
}

impl Home {
    async fn new() -> Self {
        let (disk, clock) = (TestDisk::default(), Arc::default());
        disk.set_least_fold(LEAST as u64);
        let room = open_with(&disk, RARELY, &clock, Arc::<Heard>::default()).unwrap();
        let group = room.create("host").await.key();
        let home = Self { disk, clock, room, group };
        home.report(0, 0).await.unwrap();
        home
    }

    /// Reports a number twice, and some bytes.
    async fn report(&self, number: usize, bytes: usize) -> Result<()> {
        let (number, filler) = (number.to_string(), "x".repeat(bytes));
        let values = [("a", &*number), ("filler", &*filler), ("b", &*number)];
        self.room.report(&self.group, "host", &values).await.map(drop)
    }

    /// The number that the next start finds.
    async fn found(self) -> usize {
        drop(self.room);
        let room = open_with(&self.disk, RARELY, &self.clock, Arc::<Heard>::default()).unwrap();
        let data = room.status("host").await.unwrap().data;
        let value = |key: &str| data.iter().find(|item| &*item.key == key).unwrap().value.parse().unwrap();
        let number = value("a");
        assert_eq!(number, value("b"), "no report is there in part");
        number
    }

    fn assert_bounded(&self) {
        let length = self.disk.length();
        assert!(length < 2 * LEAST + RECORD, "{length}");
    }

    fn flush(&self) {
        self.room.context.store.journal.as_ref().unwrap().sync().unwrap();
    }

    fn await_fold(&self) {
        self.room.context.store.journal.as_ref().unwrap().await_fold();
    }

    /// Waits until no fold can go on.
    fn await_fold_or_hold(&self) {
        while self.room.context.store.journal.as_ref().unwrap().is_folding() && !self.disk.is_fold_held() {
            std::thread::yield_now();
        }
    }
}

#[tokio::test]
async fn changes_wait_for_a_fold_that_is_slower_and_reads_do_not() {
    let home = Home::new().await;
    home.disk.set_most_fold_steps(Some(0));
    let mut number = 1;
    let mut waiting = Box::pin(home.report(number, 1_000));
    while poll!(&mut waiting).is_ready() {
        home.assert_bounded();
        number += 1;
        waiting = Box::pin(home.report(number, 1_000));
    }
    assert!(home.disk.length() >= 2 * LEAST);
    assert_eq!(home.disk.next_length(), 0, "the fold has only begun");
    assert!(poll!(pin!(home.room.statuses(&home.group))).is_ready());
    assert!(poll!(pin!(home.room.renew(&home.group, "host"))).is_ready());
    assert!(poll!(&mut waiting).is_pending());

    home.disk.set_most_fold_steps(None);
    waiting.await.unwrap();
    home.await_fold();
    assert!(home.disk.length() < LEAST, "{}", home.disk.length());
    home.disk.kill();
    assert_eq!(home.found().await, number);
}

#[tokio::test]
async fn a_log_that_cannot_be_folded_stays_bounded_until_it_can() {
    let home = Home::new().await;
    home.disk.set_refuses_folds(true);
    let mut number = 1;
    let refused = loop {
        if let Err(error) = home.report(number, 1_000).await {
            break error;
        }
        home.assert_bounded();
        number += 1;
    };
    assert_eq!(refused.error_type().as_str(), "InternalFailure");
    assert!(home.disk.length() >= 2 * LEAST, "it was tried again and again until then");
    assert!(!home.room.context.store.can_commit());

    home.disk.set_refuses_folds(false);
    while !home.room.context.store.can_commit() {
        tokio::task::yield_now().await;
    }
    assert!(home.disk.length() < LEAST, "{}", home.disk.length());
    home.report(number, 1_000).await.unwrap();
    home.disk.kill();
    assert_eq!(home.found().await, number);
}

#[tokio::test]
async fn a_fold_that_fails_gives_its_room_back() {
    let home = Home::new().await;
    home.report(1, 100).await.unwrap();
    home.disk.set_most_fold_steps(Some(1));
    std::thread::scope(|threads| {
        let fold = threads.spawn(|| home.room.context.store.fold());
        while home.disk.next_length() == 0 {
            std::thread::yield_now();
        }
        home.disk.set_full(true);
        home.disk.set_most_fold_steps(None);
        fold.join().unwrap();
    });
    assert_eq!(home.disk.next_length(), 0);
    home.disk.set_full(false);
    home.report(2, 100).await.unwrap();
    home.disk.kill();
    assert_eq!(home.found().await, 2);
}

#[derive(Clone, Debug)]
enum Step {
    Report(usize),
    Flush,
    /// Lets each fold create and flush its file so often, and then wait.
    Hold(usize),
    /// Lets a fold go on.
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..2_000_usize).prop_map(Step::Report),
        2 => Just(Step::Flush),
        3 => (0..4_usize).prop_map(Step::Hold),
        1 => Just(Step::Resume),
    ]
}

fn survival() -> impl Strategy<Value = Survival> {
    prop_oneof![Just(Survival::Whole), Just(Survival::Lost), (0..4_000_usize).prop_map(Survival::Torn)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whenever_the_process_or_the_power_ends_nothing_is_missing(
        steps in prop::collection::vec(step(), 1..100),
        power_cut in prop::option::of(prop::collection::vec(survival(), 1..40)),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let home = Home::new().await;
            home.flush();
            let (mut reported, mut flushed) = (0, 0);
            for step in steps {
                match step {
                    Step::Report(bytes) => {
                        let mut report = Box::pin(home.report(reported + 1, bytes));
                        if poll!(&mut report).is_pending() {
                            home.disk.set_most_fold_steps(None);
                            report.await.unwrap();
                        }
                        reported += 1;
                        home.assert_bounded();
                    }
                    Step::Flush => {
                        // A fold that is held here would hold this, too.
                        home.disk.set_most_fold_steps(None);
                        home.flush();
                        flushed = reported;
                    }
                    Step::Hold(writes) => home.disk.set_most_fold_steps(Some(writes)),
                    Step::Resume => home.disk.set_most_fold_steps(None),
                }
                home.await_fold_or_hold();
            }
            if let Some(survivals) = power_cut {
                let mut survivals = survivals.into_iter().cycle();
                home.disk.cut_power_with(|| survivals.next().unwrap());
            } else {
                home.disk.kill();
                flushed = reported;
            }
            let found = home.found().await;
            assert!((flushed..=reported).contains(&found), "{found} of {reported}, {flushed} flushed");
        });
    }
}
