//! The contract suite on the local store, in memory and on a file.

use std::sync::Arc;

use mesh_core::testing::{Classroom, contract};
use redb::backends::InMemoryBackend;

use super::{File, LocalStore, in_memory, on_file};

async fn memory() -> Classroom<LocalStore> {
    in_memory()
}

async fn file() -> Classroom<LocalStore> {
    on_file(File::of_backend(InMemoryBackend::new), Arc::default(), Arc::default())
}

#[tokio::test]
async fn groups() {
    contract::groups(memory).await;
    contract::groups(file).await;
}

#[tokio::test]
async fn members() {
    contract::members(memory).await;
    contract::members(file).await;
}

#[tokio::test]
async fn status() {
    contract::status(memory).await;
    contract::status(file).await;
}

#[tokio::test]
async fn events() {
    contract::events(memory).await;
    contract::events(file).await;
}

#[tokio::test]
async fn polling() {
    contract::polling(memory).await;
    contract::polling(file).await;
}

#[tokio::test]
async fn lifecycle() {
    contract::lifecycle(memory).await;
    contract::lifecycle(file).await;
}
