//! The journal, its threads and the outboxes, under schedules that `shuttle` chooses. A lost wake-up is a deadlock,
//! which it reports. `MESH_SCHEDULES` says how many schedules of each test are tried.

#![allow(clippy::unwrap_used, reason = "a test stops where something is amiss")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::poll;
use mesh_core::id::GroupKey;
use mesh_core::model::{Content, MeshMessage};
use mesh_core::settings::Settings;
use mesh_core::testing::{Harness, TestClock};
use mesh_local::testing::{Survival, TestDisk};
use mesh_local::{LocalSettings, LocalStore, Publisher, StoreMemory, SyncPolicy};
use parking_lot::Mutex;
use shuttle::future::block_on;
use shuttle::rand::{self, Rng};
use shuttle::scheduler::RandomScheduler;
use shuttle::thread::{self, JoinHandle};
use shuttle::{Config, Runner};

/// Flushed as soon as the thread has time.
const AT_ONCE: SyncPolicy = SyncPolicy::Within(Duration::ZERO);
const POLICIES: [SyncPolicy; 3] = [SyncPolicy::Always, AT_ONCE, SyncPolicy::Never];
/// More than any lesson needs.
const MEMORY: StoreMemory =
    StoreMemory { nodes: 1 << 20, events: 1 << 20, repeats: 1 << 20, ended_groups: 1 << 20 };
/// So short that a log is folded by itself in each lesson, and that changes wait for it in many.
const LEAST_FOLD: u64 = 200;
/// Calls of a state need more than threads have by default.
const STACK_BYTES: usize = 256 << 10;

/// Tries schedules of a lesson on a new disk, with each policy.
fn explore(lesson: fn(&Lesson)) {
    let schedules = std::env::var("MESH_SCHEDULES").map_or(200, |schedules| schedules.parse().unwrap());
    for policy in POLICIES {
        let mut config = Config::new();
        config.stack_size = STACK_BYTES;
        let runner = Runner::new(RandomScheduler::new(schedules), config);
        runner.run(move || lesson(&Lesson::new(policy)));
    }
}

/// A store over a disk, and a group whose node `poller` polls.
#[derive(Clone)]
struct Lesson {
    disk: TestDisk,
    policy: SyncPolicy,
    heard: Arc<Heard>,
    home: Harness<LocalStore>,
    group: GroupKey,
}

/// Remembers the names of events in the order in which they left, and that they were safe by then.
struct Heard {
    disk: TestDisk,
    policy: SyncPolicy,
    names: Mutex<Vec<String>>,
}

impl Publisher for Heard {
    fn publish(&self, message: &MeshMessage) {
        let Content::BatchEvent(batch) = &message.content else { return };
        let name = &batch.events[0].name;
        assert_safe(&self.disk, self.policy, name);
        self.names.lock().push(name.clone());
    }
}

/// Nothing leaves before it is in the kernel's hands and, if every change is flushed, on the disk.
fn assert_safe(disk: &TestDisk, policy: SyncPolicy, name: &str) {
    let bytes = if policy == SyncPolicy::Always { disk.durable_bytes() } else { disk.bytes() };
    assert!(has(&bytes, name), "{name} left too early");
}

fn has(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|window| window == name.as_bytes())
}

impl Lesson {
    fn new(policy: SyncPolicy) -> Self {
        let disk = TestDisk::default();
        disk.set_least_fold(LEAST_FOLD);
        let heard = Arc::new(Heard { disk: disk.clone(), policy, names: Mutex::default() });
        let home = open(&disk, policy, heard.clone());
        let group = block_on(home.create_with_poller("host"));
        Self { disk, policy, heard, home, group }
    }

    /// Two threads that fire two events each, and answer which were acknowledged.
    fn write(&self) -> Vec<JoinHandle<Vec<String>>> {
        let threads = ["a", "b"].map(|writer| {
            let lesson = self.clone();
            thread::spawn(move || {
                let names = (0..2).map(|number| format!("event {writer}{number}"));
                names.filter(|name| block_on(lesson.fire(name))).collect()
            })
        });
        threads.into()
    }

    /// Fires an event. What is acknowledged has left. Returns false if it was refused.
    async fn fire(&self, name: &str) -> bool {
        let fired = self.home.fire_names(&self.group, "host", &[name]).await.is_ok();
        assert!(!fired || self.heard().iter().any(|heard| heard == name), "{name} has not left");
        fired
    }

    fn heard(&self) -> Vec<String> {
        self.heard.names.lock().clone()
    }

    /// Reads the events: what is read is safe.
    fn read(&self) {
        for name in block_on(self.home.names_since(&self.group, "")) {
            assert_safe(&self.disk, self.policy, &name);
        }
    }

    /// The events that the next start finds. The disk loses what it may lose after the end of this start.
    fn found(&self) -> Vec<String> {
        let home = open(&self.disk, self.policy, self.heard.clone());
        let found = block_on(home.names_since(&self.group, ""));
        home.context.store.close();
        found
    }

    fn close(&self) {
        self.home.context.store.close();
    }
}

fn open(disk: &TestDisk, policy: SyncPolicy, publisher: Arc<Heard>) -> Harness<LocalStore> {
    let clock = Arc::<TestClock>::default();
    let settings = LocalSettings { settings: Settings::default(), max_groups: 10, memory: MEMORY };
    let store = LocalStore::open_with(disk, policy, settings.clone(), clock.clone(), publisher).unwrap();
    Harness::new(store, clock, settings.settings)
}

fn join(writers: Vec<JoinHandle<Vec<String>>>) -> Vec<String> {
    writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
}

fn assert_all(acknowledged: &[String], in_these: &[String]) {
    assert!(acknowledged.iter().all(|name| in_these.contains(name)), "{acknowledged:?} in {in_these:?}");
}

#[test]
fn writers_and_readers() {
    explore(|lesson| {
        let writers = lesson.write();
        let reader = thread::spawn({
            let lesson = lesson.clone();
            move || lesson.read()
        });
        assert_eq!(join(writers).len(), 4);
        reader.join().unwrap();
        lesson.close();
        lesson.disk.cut_power(0);
        assert_eq!(lesson.found(), lesson.heard(), "one order, and nothing is lost after a clean end");
    });
}

#[test]
fn calls_whose_clients_go_away() {
    explore(|lesson| {
        let writers = lesson.write();
        block_on(async {
            let call = lesson.fire("event of nobody");
            let mut call = Box::pin(call);
            let _ = poll!(&mut call);
        });
        assert_eq!(join(writers).len(), 4);
        lesson.close();
        let mut found = lesson.found();
        // Its news may leave with a later call, and leaves at the latest with the next sweep.
        found.retain(|name| name != "event of nobody");
        let mut heard = lesson.heard();
        heard.retain(|name| name != "event of nobody");
        assert_eq!(found, heard);
    });
}

#[test]
fn the_end_of_the_store() {
    explore(|lesson| {
        let writers = lesson.write();
        lesson.close();
        let acknowledged = join(writers);
        lesson.disk.cut_power(0);
        let found = lesson.found();
        assert_all(&acknowledged, &lesson.heard());
        assert!(found.starts_with(&lesson.heard()), "{found:?} begins with what left");
    });
}

#[test]
fn the_end_of_the_process_or_of_the_power() {
    explore(|lesson| {
        let writers = lesson.write();
        if lesson.policy == SyncPolicy::Always {
            lesson.disk.cut_power(0);
        } else {
            lesson.disk.kill();
        }
        let acknowledged = join(writers);
        lesson.close();
        let found = lesson.found();
        assert_all(&acknowledged, &lesson.heard());
        assert!(found.starts_with(&lesson.heard()), "{found:?} begins with what left");
    });
}

#[test]
fn a_disk_that_is_full_for_a_while() {
    explore(|lesson| {
        let writers = lesson.write();
        lesson.disk.set_full(true);
        thread::yield_now();
        lesson.disk.set_full(false);
        let mut acknowledged = join(writers);
        while !lesson.home.context.store.can_commit() {
            thread::yield_now();
        }
        assert!(block_on(lesson.fire("event after it")));
        acknowledged.push("event after it".to_owned());
        lesson.close();
        let found = lesson.found();
        assert_eq!(found, lesson.heard(), "what was refused neither left nor is there");
        assert_eq!(found.len(), acknowledged.len());
        assert_all(&acknowledged, &found);
    });
}

#[test]
fn a_fold_while_others_write() {
    explore(|lesson| {
        let writers = lesson.write();
        lesson.home.context.store.fold();
        assert_eq!(join(writers).len(), 4);
        if lesson.policy == SyncPolicy::Always {
            lesson.disk.cut_power(0);
        } else {
            lesson.disk.kill();
        }
        lesson.close();
        assert_eq!(lesson.found(), lesson.heard());
    });
}

/// A power cut may keep the new name of a log and lose its last writes.
#[test]
fn a_power_cut_while_the_log_is_folded() {
    explore(|lesson| {
        let writers = lesson.write();
        let fold = thread::spawn({
            let lesson = lesson.clone();
            move || lesson.home.context.store.fold()
        });
        join(writers);
        let bytes = lesson.disk.durable_bytes();
        lesson
            .disk
            .cut_power_with(|| if rand::thread_rng().r#gen() { Survival::Whole } else { Survival::Lost });
        fold.join().unwrap();
        lesson.close();
        let mut on_disk = lesson.heard();
        on_disk.retain(|name| has(&bytes, name));
        if !on_disk.is_empty() {
            assert_all(&on_disk, &lesson.found());
        }
    });
}
