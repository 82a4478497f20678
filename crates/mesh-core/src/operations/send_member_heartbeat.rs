//! The operation `sendMemberHeartbeat`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::operations::{Operation, RenewHeartbeatAnswer, check_caller};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::Store;

/// `sendMemberHeartbeat`: a member says that it is still there. The host may call it too; that
/// renews nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendMemberHeartbeat {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The member.
    pub node_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
}

/// The answer of `sendMemberHeartbeat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMemberHeartbeatAnswer {
    /// The member.
    pub node_id: Id,
    /// The group and the next heartbeat.
    pub heartbeat: RenewHeartbeatAnswer,
}

impl Operation for SendMemberHeartbeat {
    type Output = SendMemberHeartbeatAnswer;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_caller(&self.group_id, &self.domain, &self.node_id, self.secret.as_ref())
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<SendMemberHeartbeatAnswer> {
        let caller = Caller::new(&self.node_id, self.secret.as_ref());
        let key = GroupKey { id: self.group_id, domain: self.domain };
        let group = context.store.send_member_heartbeat(context.now(), &key, caller).await?;
        let heartbeat = RenewHeartbeatAnswer {
            group: group.key,
            expires_at: group.expires_at,
            interval_seconds: context.settings.lifetimes.member_heartbeat_interval,
        };
        Ok(SendMemberHeartbeatAnswer { node_id: self.node_id, heartbeat })
    }
}
