//! The port to who publishes recorded calls.

use std::pin::Pin;

use mesh_core::error::StoreFailure;
use mesh_core::model::MeshMessage;

/// Publishes the messages of recorded calls to subscribers. Other messages need no publisher: AppSync
/// publishes the answer of a mutation.
pub trait Publisher: Send + Sync + 'static {
    /// Publishes a message. Answers once it is on its way to subscribers.
    ///
    /// # Errors
    ///
    /// Fails if no try brought the message to subscribers. The caller may publish it again later.
    fn publish<'a>(
        &'a self,
        message: &'a MeshMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreFailure>> + Send + 'a>>;
}
