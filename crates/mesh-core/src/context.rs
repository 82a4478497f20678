//! The needs of an operation beside its arguments: the store, the clock, the settings, the secret.

use std::sync::Arc;

use crate::clock::{Clock, Now};
use crate::network::DomainSecret;
use crate::settings::Settings;

/// The needs of an operation beside its arguments.
pub struct Context<S> {
    /// The store.
    pub store: S,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Lifetimes and limits.
    pub settings: Settings,
    /// The secret that makes domains of networks; only `createDomain` needs it.
    pub domain_secret: Option<DomainSecret>,
}

impl<S> Context<S> {
    /// Reads both clocks.
    pub fn now(&self) -> Now {
        self.clock.now()
    }
}
