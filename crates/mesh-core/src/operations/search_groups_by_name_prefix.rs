//! The operation `searchGroupsByNamePrefix`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::limits;
use crate::model::Group;
use crate::operations::Operation;
use crate::settings::Settings;
use crate::store::Store;

/// `searchGroupsByNamePrefix`: living groups of all domains by the beginning of their name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchGroupsByNamePrefix {
    /// One to six characters; compared exactly.
    pub name_prefix: String,
    /// The most groups to answer, 1 to 100; 10 if none is given.
    pub limit: Option<i32>,
}

impl Operation for SearchGroupsByNamePrefix {
    type Output = Vec<Group>;

    fn check(&self, _settings: &Settings) -> Result<()> {
        limits::search(&self.name_prefix, self.limit).map(drop)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Vec<Group>> {
        let limit = limits::search(&self.name_prefix, self.limit)?;
        let records = context.store.search_groups(context.now(), &self.name_prefix, limit).await?;
        Ok(records.into_iter().map(|record| context.settings.lifetimes.describe(record)).collect())
    }
}
