//! The operation `listGroupsByDomain`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::Domain;
use crate::limits;
use crate::model::Group;
use crate::operations::Operation;
use crate::settings::Settings;
use crate::store::Store;

/// `listGroupsByDomain`: the living groups of a domain, oldest first.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListGroupsByDomain {
    /// The domain.
    pub domain: Domain,
}

impl Operation for ListGroupsByDomain {
    type Output = Vec<Group>;

    fn check(&self, _settings: &Settings) -> Result<()> {
        limits::domain(&self.domain)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Vec<Group>> {
        let records = context.store.list_groups(context.now(), &self.domain).await?;
        Ok(records.into_iter().map(|record| context.settings.lifetimes.describe(record)).collect())
    }
}
