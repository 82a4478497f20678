//! The operation `getNodeStatus`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::Id;
use crate::limits;
use crate::model::NodeStatus;
use crate::operations::Operation;
use crate::settings::Settings;
use crate::store::Store;

/// `getNodeStatus`: all values of a node in its newest membership still in force.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetNodeStatus {
    /// The node.
    pub node_id: Id,
}

impl Operation for GetNodeStatus {
    type Output = Option<NodeStatus>;

    fn check(&self, _settings: &Settings) -> Result<()> {
        limits::id("nodeId", &self.node_id)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Option<NodeStatus>> {
        context.store.node_status(context.now(), &self.node_id).await
    }
}
