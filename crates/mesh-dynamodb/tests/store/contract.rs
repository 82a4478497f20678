//! The contract suite that every store passes.

use mesh_core::testing::contract;

use super::classroom;

#[tokio::test]
async fn groups() {
    contract::groups(classroom).await;
}

#[tokio::test]
async fn members() {
    contract::members(classroom).await;
}

#[tokio::test]
async fn status() {
    contract::status(classroom).await;
}

#[tokio::test]
async fn events() {
    contract::events(classroom).await;
}

#[tokio::test]
async fn polling() {
    contract::polling(classroom).await;
}

#[tokio::test]
async fn lifecycle() {
    contract::lifecycle(classroom).await;
}
