mod contract;
mod file;

use std::sync::Arc;

use mesh_core::model::MeshMessage;
use mesh_core::settings::{Limits, Settings};
use mesh_core::testing::{Classroom, TestClock};
use parking_lot::Mutex;

use super::{LocalSettings, LocalStore, Outlet};
use crate::store::disk::File;

/// An outlet that remembers what left.
#[derive(Default)]
struct Heard(Mutex<Vec<MeshMessage>>);

impl Outlet for Heard {
    fn publish(&self, message: &MeshMessage) {
        self.0.lock().push(message.clone());
    }
}

fn local_settings() -> LocalSettings {
    let limits = Limits { nodes_in_group: 20, groups_in_domain: 20 };
    LocalSettings { settings: Settings { limits, ..Settings::default() }, max_groups: 100 }
}

fn in_memory() -> Classroom<LocalStore> {
    let store = LocalStore::in_memory(&local_settings(), Arc::<Heard>::default()).unwrap();
    Classroom::new(store, Arc::default(), local_settings().settings)
}

/// A home over a file of its own kind, which a later call may find again.
fn on_file(file: File, clock: Arc<TestClock>, outlet: Arc<Heard>) -> Classroom<LocalStore> {
    let settings = local_settings();
    let store = LocalStore::open_file(file, settings, clock.clone(), outlet, Box::new(|_| ())).unwrap();
    Classroom::new(store, clock, local_settings().settings)
}
