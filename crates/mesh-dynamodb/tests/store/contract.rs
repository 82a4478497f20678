//! The contract suite that every store passes.

use mesh_core::testing::contract;

use super::harness;

#[tokio::test]
async fn groups() {
    contract::groups(harness).await;
}

#[tokio::test]
async fn members() {
    contract::members(harness).await;
}

#[tokio::test]
async fn status() {
    contract::status(harness).await;
}

#[tokio::test]
async fn events() {
    contract::events(harness).await;
}

#[tokio::test]
async fn polling() {
    contract::polling(harness).await;
}

#[tokio::test]
async fn lifecycle() {
    contract::lifecycle(harness).await;
}

#[tokio::test]
async fn secrets() {
    contract::secrets(harness).await;
}
