//! The operation `listGroupStatuses`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::model::NodeStatus;
use crate::operations::{Operation, check_group};
use crate::settings::Settings;
use crate::store::Store;

/// `listGroupStatuses`: every value in force, one status for each report that still holds one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListGroupStatuses {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
}

impl Operation for ListGroupStatuses {
    type Output = Vec<NodeStatus>;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_group(&self.group_id, &self.domain)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Vec<NodeStatus>> {
        let group = GroupKey { id: self.group_id, domain: self.domain };
        context.store.group_statuses(context.now(), &group).await
    }
}
