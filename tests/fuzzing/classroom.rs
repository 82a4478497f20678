//! A group in memory, with a host and a node that polls.

use std::sync::Arc;

use mesh_core::id::GroupKey;
use mesh_core::settings::{Limits, Settings};
use mesh_core::testing::Harness;
use mesh_local::{LocalSettings, LocalStore, Publisher};
use mesh_server::limits::memory::MemoryLimits;

/// A group of the domain `school`, whose host is `host`, and whose node `poller` polls.
pub(crate) struct Classroom {
    pub(crate) home: Harness<LocalStore>,
    pub(crate) group: GroupKey,
}

impl Classroom {
    pub(crate) async fn new(publisher: Arc<dyn Publisher>) -> Self {
        let settings = settings();
        let store = LocalStore::in_memory(&settings, publisher).unwrap();
        let home = Harness::new(store, Arc::default(), settings.settings);
        let group = home.create_with_poller("host").await;
        Self { home, group }
    }

    /// The text with the group's id where it says `GROUP`: ids are random.
    pub(crate) fn naming_group(&self, text: &str) -> String {
        text.replace("GROUP", self.group.id.as_str())
    }
}

pub(crate) fn settings() -> LocalSettings {
    let limits = Limits { nodes_in_group: 20, groups_in_domain: 20 };
    LocalSettings {
        settings: Settings { limits, ..Settings::default() },
        max_groups: 100,
        memory: MemoryLimits::default().store,
    }
}

/// A publisher to nobody.
pub(crate) struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: &mesh_core::model::MeshMessage) {}
}

/// Runs a future to its end. Time stands still while anything can go on, and then jumps.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(future)
}
