//! The operation `dissolveGroup`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::limits;
use crate::model::{MeshMessage, MessageFields};
use crate::operations::{Operation, check_group};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::Store;

/// `dissolveGroup`: ends a group; only its host may.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DissolveGroup {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The node that calls as the host.
    pub host_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Which fields of the message the caller selected.
    #[serde(skip)]
    pub fields: MessageFields,
}

impl Operation for DissolveGroup {
    type Output = MeshMessage;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_group(&self.group_id, &self.domain)?;
        limits::id("hostId", &self.host_id)?;
        limits::secret(self.secret.as_ref())
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<MeshMessage> {
        let caller = Caller::new(&self.host_id, self.secret.as_ref());
        let group = GroupKey { id: self.group_id, domain: self.domain };
        context.store.dissolve_group(context.now(), &group, caller, self.fields).await
    }
}
