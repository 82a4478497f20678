use serde::Deserialize;

use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::mesh::Mesh;
use crate::model::Node;
use crate::operations::{Operation, check_group};
use crate::settings::Settings;
use crate::store::Store;

/// `listNodesInGroup`: the joined nodes, without the host.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListNodesInGroup {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
}

impl Operation for ListNodesInGroup {
    type Output = Vec<Node>;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_group(&self.group_id, &self.domain)
    }

    async fn apply<S: Store>(self, mesh: &Mesh<S>) -> Result<Vec<Node>> {
        let key = GroupKey { id: self.group_id, domain: self.domain };
        let (group, nodes) = mesh.store.list_nodes(mesh.now(), &key).await?;
        Ok(nodes.into_iter().map(|node| mesh.settings.lifetimes.describe_node(&group, node)).collect())
    }
}
