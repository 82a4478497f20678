//! The operation `joinGroup`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::model::Node;
use crate::operations::{Operation, check_node};
use crate::settings::Settings;
use crate::store::Store;

/// `joinGroup`: makes a node a member; joining again keeps its values.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinGroup {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The node that joins.
    pub node_id: Id,
    /// False for a node that cannot use a WebSocket; else the group decides.
    pub use_web_socket: Option<bool>,
}

impl Operation for JoinGroup {
    type Output = Node;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_node(&self.group_id, &self.domain, &self.node_id)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Node> {
        let group = GroupKey { id: self.group_id, domain: self.domain };
        let joined =
            context.store.join_group(context.now(), &group, &self.node_id, self.use_web_socket).await?;
        Ok(context.settings.lifetimes.describe_node(&joined.group, joined.node))
    }
}
