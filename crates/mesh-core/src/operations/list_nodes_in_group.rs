//! The operation `listNodesInGroup`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
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

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Vec<Node>> {
        let key = GroupKey { id: self.group_id, domain: self.domain };
        let (group, nodes) = context.store.list_nodes(context.now(), &key).await?;
        Ok(nodes.into_iter().map(|node| context.settings.lifetimes.describe_node(&group, node)).collect())
    }
}
