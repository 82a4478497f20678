//! The operation `createDomain`: its arguments, its limits, its rule.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::id::Domain;
use crate::network::Network;
use crate::operations::Operation;
use crate::settings::Settings;
use crate::store::Store;

/// `createDomain`: the caller's domain, the network it calls from behind a secret.
#[derive(Clone, Debug)]
pub struct CreateDomain {
    /// The caller's network, as its home saw it; none if that cannot be told.
    pub network: Option<Network>,
}

impl Operation for CreateDomain {
    type Output = Domain;

    fn check(&self, _settings: &Settings) -> Result<()> {
        Ok(())
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Domain> {
        let secret =
            context.domain_secret.as_ref().ok_or_else(|| Error::Store("no domain secret is set".into()))?;
        let network = self.network.ok_or_else(|| Error::Store("the caller's address is unknown".into()))?;
        Ok(secret.domain_of(network))
    }
}
