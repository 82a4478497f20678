//! Where recorded calls are published.

use std::pin::Pin;

use mesh_core::error::StoreFailure;
use mesh_core::model::MeshMessage;

/// Publishes the news of recorded calls to subscribers. Other news needs none: AppSync publishes what
/// a mutation answers.
pub trait Outlet: Send + Sync + 'static {
    /// Publishes a message; answers once subscribers are being told.
    fn publish<'a>(
        &'a self,
        message: &'a MeshMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreFailure>> + Send + 'a>>;
}
