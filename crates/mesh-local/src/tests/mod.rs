//! Tests of the store: the contract suite, messages, limits, restarts and failures.

mod contract;
mod failures;
mod folding;
mod growth;
mod kept;
#[cfg(target_os = "linux")]
mod memory;
mod news;
mod power_cuts;
mod readers;
mod restarts;

use std::sync::Arc;

use mesh_core::id::GroupKey;
use mesh_core::model::{Content, MeshMessage};
use mesh_core::settings::{Limits, Settings};
use mesh_core::testing::{Harness, TestClock};
use parking_lot::Mutex;

use super::{LocalSettings, LocalStore, OpenError, Publisher, StoreMemory, SyncPolicy, is_in_use};
use crate::testing::TestDisk;

/// A publisher that remembers what left.
#[derive(Default)]
struct Heard(Mutex<Vec<MeshMessage>>);

impl Heard {
    fn take(&self) -> Vec<MeshMessage> {
        std::mem::take(&mut self.0.lock())
    }

    /// Names of all events that left.
    fn event_names(&self) -> Vec<String> {
        let messages = self.0.lock();
        let batches = messages.iter().filter_map(|message| match &message.content {
            Content::BatchEvent(batch) => Some(batch),
            _ => None,
        });
        batches.flat_map(|batch| batch.events.iter().map(|event| event.name.clone())).collect()
    }
}

impl Publisher for Heard {
    fn publish(&self, message: &MeshMessage) {
        self.0.lock().push(message.clone());
    }
}

/// The most memory of a store in tests.
const MEMORY: StoreMemory =
    StoreMemory { nodes: 512 << 20, events: 256 << 20, repeats: 128 << 20, ended_groups: 32 << 20 };

fn local_settings() -> LocalSettings {
    let limits = Limits { nodes_in_group: 20, groups_in_domain: 20 };
    LocalSettings { settings: Settings { limits, ..Settings::default() }, max_groups: 100, memory: MEMORY }
}

fn in_memory() -> Harness<LocalStore> {
    hearing(Arc::default())
}

/// A home in memory whose news goes to `publisher`.
fn hearing(publisher: Arc<Heard>) -> Harness<LocalStore> {
    let store = LocalStore::in_memory(&local_settings(), publisher).unwrap();
    Harness::new(store, Arc::default(), local_settings().settings)
}

/// A home over a disk, which a later start may find again.
fn on_disk(disk: &TestDisk, clock: &Arc<TestClock>, publisher: Arc<dyn Publisher>) -> Harness<LocalStore> {
    open(disk, clock, publisher).unwrap()
}

/// The names of all recorded events, page by page.
async fn all_names(room: &Harness<LocalStore>, group: &GroupKey) -> Vec<String> {
    let (mut names, mut since) = (Vec::new(), String::new());
    loop {
        let page = room.events_since(group, &since).await;
        let Some(last) = page.last() else { return names };
        since.clone_from(&last.cursor);
        names.extend(page.into_iter().map(|heard| heard.name));
    }
}

fn open_with(
    disk: &TestDisk,
    policy: SyncPolicy,
    clock: &Arc<TestClock>,
    publisher: Arc<dyn Publisher>,
) -> Result<Harness<LocalStore>, OpenError> {
    let store = LocalStore::open_with(disk, policy, local_settings(), clock.clone(), publisher)?;
    Ok(Harness::new(store, clock.clone(), local_settings().settings))
}

fn open(
    disk: &TestDisk,
    clock: &Arc<TestClock>,
    publisher: Arc<dyn Publisher>,
) -> Result<Harness<LocalStore>, OpenError> {
    let settings = local_settings();
    let store = LocalStore::open_on(disk, settings, clock.clone(), publisher)?;
    Ok(Harness::new(store, clock.clone(), local_settings().settings))
}
