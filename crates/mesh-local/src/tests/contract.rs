//! The contract suite on the local store, in memory and on a disk.

use std::sync::Arc;

use mesh_core::testing::{Harness, contract};

use super::{Heard, LocalStore, TestDisk, in_memory, on_disk};

async fn memory() -> Harness<LocalStore> {
    in_memory()
}

async fn disk() -> Harness<LocalStore> {
    on_disk(&TestDisk::default(), &Arc::default(), Arc::<Heard>::default())
}

#[tokio::test]
async fn groups() {
    contract::groups(memory).await;
    contract::groups(disk).await;
}

#[tokio::test]
async fn members() {
    contract::members(memory).await;
    contract::members(disk).await;
}

#[tokio::test]
async fn status() {
    contract::status(memory).await;
    contract::status(disk).await;
}

#[tokio::test]
async fn events() {
    contract::events(memory).await;
    contract::events(disk).await;
}

#[tokio::test]
async fn polling() {
    contract::polling(memory).await;
    contract::polling(disk).await;
}

#[tokio::test]
async fn lifecycle() {
    contract::lifecycle(memory).await;
    contract::lifecycle(disk).await;
}

#[tokio::test]
async fn secrets() {
    contract::secrets(memory).await;
    contract::secrets(disk).await;
}
