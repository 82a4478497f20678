//! What is kept takes no more memory than counts, whatever it is: each test fills a store in a process of its own.

use std::sync::Arc;

use mesh_core::id::GroupKey;
use mesh_core::model::Event;
use mesh_core::settings::{Limits, Settings};
use mesh_core::testing::{Harness, event, item};

use super::{Heard, LocalSettings, LocalStore, StoreMemory};
use crate::resident::{in_own_process, resident_bytes};

/// What a process takes beside what counts: its runtime, and a call that is answered.
const BESIDE: usize = 4 << 20;
const LIMITS: StoreMemory =
    StoreMemory { nodes: 24 << 20, events: 24 << 20, repeats: 12 << 20, ended_groups: 6 << 20 };

/// A store with little room that tells nobody.
struct Filled {
    room: Harness<LocalStore>,
    before: usize,
}

struct Nobody;

impl crate::Publisher for Nobody {
    fn publish(&self, _: &mesh_core::model::MeshMessage) {}
}

impl Filled {
    fn new() -> Self {
        let limits = Limits { groups_in_domain: usize::MAX, ..Limits::default() };
        let settings = Settings { limits, ..Settings::default() };
        let local = LocalSettings { settings: settings.clone(), max_groups: usize::MAX, memory: LIMITS };
        let store = LocalStore::in_memory(&local, Arc::new(Nobody)).unwrap();
        Self { room: Harness::new(store, Arc::default(), settings), before: resident_bytes() }
    }

    fn counted(&self) -> StoreMemory {
        self.room.context.store.counts().memory
    }

    async fn create(&self, host: usize) -> GroupKey {
        self.room.create(&format!("h{host}")).await.key()
    }

    /// Asserts that nothing counts too little. Returns everything that counts.
    fn assert_counted(&self) -> usize {
        let StoreMemory { nodes, events, repeats, ended_groups } = self.counted();
        let all = nodes + events + repeats + ended_groups;
        let taken = resident_bytes() - self.before;
        println!("{all} count, {taken} are taken: {}%", taken * 100 / all);
        assert!(taken <= all / 10 * 13 + BESIDE, "{all} count, {taken} are taken");
        all
    }
}

/// Runs a test in a process of its own.
fn measured<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Filled) -> F) {
    in_own_process(&format!("tests::memory::{name}"), || {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test(Filled::new()));
    });
}

#[test]
fn tiny_values_count_what_they_take() {
    measured("tiny_values_count_what_they_take", |filled| async move {
        'full: for host in 0.. {
            let group = filled.create(host).await;
            for part in 0..4 {
                let data = (0..250).map(|key| item(&format!("{:x}", part * 250 + key), "1")).collect();
                if filled.room.report_items(&group, &format!("h{host}"), data).await.is_err() {
                    break 'full;
                }
            }
        }
        assert!(filled.assert_counted() > LIMITS.nodes / 10 * 9);
    });
}

#[test]
fn long_values_count_what_they_take() {
    measured("long_values_count_what_they_take", |filled| async move {
        // Sizes from 1 to 100 KB, so that some are just above what an allocator likes.
        for host in 0.. {
            let group = filled.create(host).await;
            let value = "x".repeat(1_000 + host * 7_919 % 100_000);
            if filled.room.report(&group, &format!("h{host}"), &[("k", &value)]).await.is_err() {
                break;
            }
        }
        assert!(filled.assert_counted() > LIMITS.nodes / 10 * 9);
    });
}

#[test]
fn values_that_change_count_what_they_take() {
    measured("values_that_change_count_what_they_take", |filled| async move {
        let mut groups = Vec::new();
        for host in 0..200 {
            groups.push(filled.create(host).await);
        }
        // Lengths go up and down, so that blocks become free between others.
        for round in 0..40 {
            for (host, group) in groups.iter().enumerate() {
                let length = (host * 31 + round * 17) % 1_500;
                let value = |key: usize| "x".repeat((length + key * 97) % 1_500);
                let data = (0..50).map(|key| item(&key.to_string(), &value(key))).collect();
                filled.room.report_items(group, &format!("h{host}"), data).await.unwrap();
            }
        }
        filled.assert_counted();
    });
}

#[test]
fn nodes_count_what_they_take() {
    measured("nodes_count_what_they_take", |filled| async move {
        'full: for host in 0.. {
            let group = filled.create(host).await;
            for node in 0..500 {
                if filled.room.join(&group, &format!("node-{host}-{node}")).await.is_err() {
                    break 'full;
                }
            }
        }
        assert!(filled.assert_counted() > LIMITS.nodes / 10 * 9);
    });
}

#[test]
fn groups_count_what_they_take() {
    measured("groups_count_what_they_take", |filled| async move {
        for host in 0.. {
            // Many domains, and many groups of one.
            let domain = if host % 2 == 0 { "school".to_owned() } else { format!("domain-{host}") };
            if let Err(error) = filled.room.create_in(&domain, &format!("host-{host}")).await {
                assert!(error.to_string().contains("may hold at most"), "{error}");
                break;
            }
        }
        assert!(filled.assert_counted() > LIMITS.nodes / 10 * 9);
        // Those that end are remembered, and cost what counts, too.
        filled.room.clock.advance_seconds(3_000);
        filled.room.context.store.sweep(filled.room.now()).await.unwrap();
        let counted = filled.counted();
        assert!(counted.nodes == 0 && counted.ended_groups > LIMITS.ended_groups / 3, "{counted:?}");
    });
}

#[test]
fn events_count_what_they_take() {
    measured("events_count_what_they_take", |filled| async move {
        for host in 0..60 {
            let group = filled.create(host).await;
            let template = event("", filled.room.now());
            for call in 0..500 {
                let payload = (host % 3 == 0).then(|| "x".repeat(call * 13 % 2_000));
                let event = |name: usize| Event {
                    name: format!("{call}-{name}"),
                    payload: payload.clone(),
                    ..template.clone()
                };
                let events = (0..=host % 4 * 3).map(event).collect();
                filled.room.fire(&group, &format!("h{host}"), events).await.unwrap();
            }
        }
        assert!(filled.assert_counted() > LIMITS.events / 10 * 9, "{:?}", filled.counted());
    });
}

#[test]
fn repeated_calls_count_what_they_take() {
    measured("repeated_calls_count_what_they_take", |filled| async move {
        for host in 0..100 {
            let group = filled.create(host).await;
            for call in 0..500 {
                let name = call.to_string();
                filled.room.record_names(&group, &format!("h{host}"), &[&name]).await.unwrap();
            }
        }
        assert!(filled.assert_counted() > LIMITS.repeats / 10 * 9);
        assert!(filled.counted().repeats <= LIMITS.repeats + 1_000);
    });
}

#[tokio::test]
async fn nodes_that_come_and_go_leave_nothing() {
    let room = super::hearing(Arc::<Heard>::default());
    let group = room.create("host").await.key();
    let before = room.context.store.counts().memory;
    for node in 0..1_000 {
        room.join(&group, &format!("n{node}")).await.unwrap();
        room.leave(&group, &format!("n{node}")).await.unwrap();
    }
    assert_eq!(room.context.store.counts().memory, before);
    let shared = room.context.store.shared.lock();
    assert_eq!(shared.state.deadlines(), (1, 0), "one of the group, none of its members");
}
