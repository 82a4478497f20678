//! The store over the real SDK and an embedded engine.

mod contract;

use std::sync::Arc;

use mesh_core::settings::{Limits, Settings};
use mesh_core::testing::{Classroom, TestClock};
use mesh_dynamodb::DynamoStore;
use mesh_dynamodb::testing::{Fault, Faults, Request, new_table};

/// Lifetimes as they are, limits that tests reach soon.
fn settings() -> Settings {
    Settings { limits: Limits { nodes_in_group: 20, groups_in_domain: 20 }, ..Settings::default() }
}

/// An empty home.
async fn classroom() -> Classroom<DynamoStore> {
    classroom_with(|_: &Request| Fault::None).await
}

/// An empty home whose requests meet faults.
async fn classroom_with(faults: impl Faults) -> Classroom<DynamoStore> {
    let store = DynamoStore::new(new_table(Arc::new(faults)).await, settings());
    Classroom::new(store, Arc::new(TestClock::new()), settings())
}
