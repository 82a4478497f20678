//! What an operation needs beside its arguments: the store, the clock, the settings, the secret.

use std::sync::Arc;

use crate::clock::{Clock, Now};
use crate::network::DomainSecret;
use crate::settings::Settings;

/// A home of Mesh: what an operation needs beside its arguments.
pub struct Context<S> {
    /// Where everything is kept.
    pub store: S,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Lifetimes and limits.
    pub settings: Settings,
    /// What makes domains of networks; only `createDomain` needs it.
    pub domain_secret: Option<DomainSecret>,
}

impl<S> Context<S> {
    /// What time it is.
    pub fn now(&self) -> Now {
        self.clock.now()
    }
}
