//! The operation `reportStatus`: its arguments, its limits, its rule.

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::limits;
use crate::model::{MeshMessage, MessageFields, SensorData};
use crate::operations::{Operation, check_caller};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::Store;

/// `reportStatus`, which Smalruby's clients send as `reportDataByNode`: changed values of a member.
/// The answer and the message carry exactly the items reported; the stored status merges by key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportStatus {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The member that reports.
    pub node_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The changed values.
    pub data: Vec<SensorData>,
    /// Which fields of the message the caller selected.
    #[serde(skip)]
    pub fields: MessageFields,
}

impl Operation for ReportStatus {
    type Output = MeshMessage;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_caller(&self.group_id, &self.domain, &self.node_id, self.secret.as_ref())?;
        limits::report(&self.data)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<MeshMessage> {
        let caller = Caller::new(&self.node_id, self.secret.as_ref());
        let group = GroupKey { id: self.group_id, domain: self.domain };
        context.store.report_status(context.now(), &group, caller, self.data, self.fields).await
    }
}
