use serde::Deserialize;

use crate::error::Result;
use crate::id::Domain;
use crate::limits;
use crate::mesh::Mesh;
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

    async fn apply<S: Store>(self, mesh: &Mesh<S>) -> Result<Vec<Group>> {
        let records = mesh.store.list_groups(mesh.now(), &self.domain).await?;
        Ok(records.into_iter().map(|record| mesh.settings.lifetimes.describe(record)).collect())
    }
}
