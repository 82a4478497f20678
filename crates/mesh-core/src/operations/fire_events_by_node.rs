//! The operation `fireEventsByNode`: its arguments, its limits, its rule.

use std::sync::Arc;

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::limits;
use crate::model::{Event, MeshMessage, MessageFields};
use crate::operations::{Operation, check_caller};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::Store;

/// `fireEventsByNode`: one batch of events, one message to every subscriber, in the order sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FireEventsByNode {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The member that fires.
    pub node_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The events.
    pub events: Arc<[Event]>,
    /// Which fields of the message the caller selected.
    #[serde(skip)]
    pub fields: MessageFields,
}

impl Operation for FireEventsByNode {
    type Output = MeshMessage;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_caller(&self.group_id, &self.domain, &self.node_id, self.secret.as_ref())?;
        limits::events(&self.events)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<MeshMessage> {
        let caller = Caller::new(&self.node_id, self.secret.as_ref());
        let group = GroupKey { id: self.group_id, domain: self.domain };
        context.store.fire_events(context.now(), &group, caller, self.events, self.fields).await
    }
}
