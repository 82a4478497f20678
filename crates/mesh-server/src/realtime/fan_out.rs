//! The way of the store's messages: to the observer, then to the subscribers.

use std::sync::Arc;

use mesh_core::model::MeshMessage;
use mesh_local::Publisher;

use super::hub::Hub;
use crate::observer::Observer;

/// Hands each message on.
pub struct FanOut {
    /// Sees every message.
    pub observer: Arc<dyn Observer>,
    /// Knows the subscribers.
    pub hub: Arc<Hub>,
}

impl Publisher for FanOut {
    fn publish(&self, message: &MeshMessage) {
        self.observer.published(message);
        self.hub.publish(message);
    }

    fn publish_part(&self, message: &MeshMessage, from: u64) -> Option<u64> {
        if from == 0 {
            self.observer.published(message);
        }
        self.hub.publish_part(message, from)
    }
}
