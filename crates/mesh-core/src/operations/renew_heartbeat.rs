//! The operation `renewHeartbeat`: its arguments, its limits, its rule.

use std::sync::Arc;

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::limits;
use crate::operations::{Operation, check_group};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::Store;
use crate::time::Timestamp;

/// `renewHeartbeat`: the host says that it is still there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenewHeartbeat {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The node that calls as the host.
    pub host_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
}

/// The answer of `renewHeartbeat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewHeartbeatAnswer {
    /// The group.
    pub group: Arc<GroupKey>,
    /// The group's end; heartbeats do not move it.
    pub expires_at: Timestamp,
    /// When to send the next one.
    pub interval_seconds: u32,
}

impl Operation for RenewHeartbeat {
    type Output = RenewHeartbeatAnswer;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_group(&self.group_id, &self.domain)?;
        limits::id("hostId", &self.host_id)?;
        limits::secret(self.secret.as_ref())
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<RenewHeartbeatAnswer> {
        let caller = Caller::new(&self.host_id, self.secret.as_ref());
        let key = GroupKey { id: self.group_id, domain: self.domain };
        let group = context.store.renew_heartbeat(context.now(), &key, caller).await?;
        Ok(RenewHeartbeatAnswer {
            group: group.key,
            expires_at: group.expires_at,
            interval_seconds: context.settings.lifetimes.host_heartbeat_interval,
        })
    }
}
