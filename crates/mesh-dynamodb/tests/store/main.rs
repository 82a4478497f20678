//! The store over the real SDK and an embedded engine.

#![allow(clippy::unwrap_used, reason = "a test stops where something is amiss")]

mod contract;
mod faults;
mod interleaving;
mod races;
mod units;

use std::sync::Arc;

use mesh_core::settings::{Limits, Settings};
use mesh_core::testing::{Harness, TestClock};
use mesh_dynamodb::testing::{Engine, Fault, Faults, Request, TABLE, client, make_table};
use mesh_dynamodb::{DynamoStore, Table};
use serde_json::{Value, json};

/// Lifetimes as they are, limits that tests reach soon.
fn settings(nodes_in_group: usize) -> Settings {
    Settings { limits: Limits { nodes_in_group, groups_in_domain: 20 }, ..Settings::default() }
}

/// An empty home.
async fn harness() -> Harness<DynamoStore> {
    harness_of(20).await
}

/// An empty home whose groups have room for so many nodes.
async fn harness_of(nodes: usize) -> Harness<DynamoStore> {
    harness_with(nodes, |_: &Request| Fault::None).await
}

/// An empty home whose requests meet faults.
async fn harness_with(nodes: usize, faults: impl Faults) -> Harness<DynamoStore> {
    let engine = Engine::new();
    make_table(&engine).await;
    harness_on(&engine, nodes, Arc::new(faults))
}

/// A home over the table of an engine, which other homes may use as well.
fn harness_on(engine: &Engine, nodes: usize, faults: Arc<dyn Faults>) -> Harness<DynamoStore> {
    let store = DynamoStore::new(Table::new(client(engine, faults), TABLE), settings(nodes));
    Harness::new(store, Arc::new(TestClock::new()), settings(nodes))
}

/// All items of the table.
fn rows(engine: &Engine) -> Vec<Value> {
    let answer = engine.answer("Scan", json!({ "TableName": TABLE })).body;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["Items"].as_array().unwrap().clone()
}
