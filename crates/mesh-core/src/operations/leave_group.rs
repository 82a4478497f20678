//! The operation `leaveGroup`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::operations::{Operation, check_caller};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::Store;

/// `leaveGroup`: the node and its values are gone; the host's leaving ends the group.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaveGroup {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The member that leaves.
    pub node_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
}

/// The answer of `leaveGroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupAnswer {
    /// The group that was left.
    pub group: GroupKey,
    /// The node that left.
    pub node_id: Id,
}

impl Operation for LeaveGroup {
    type Output = LeaveGroupAnswer;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_caller(&self.group_id, &self.domain, &self.node_id, self.secret.as_ref())
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<LeaveGroupAnswer> {
        let caller = Caller::new(&self.node_id, self.secret.as_ref());
        let group = GroupKey { id: self.group_id, domain: self.domain };
        context.store.leave_group(context.now(), &group, caller).await?;
        Ok(LeaveGroupAnswer { group, node_id: self.node_id })
    }
}
