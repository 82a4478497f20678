//! The operation `pollGroupData`: its arguments, its limits, its rule.

use std::net::IpAddr;

use serde::Deserialize;

use crate::context::Context;
use crate::cursor::Since;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::model::{EventSlice, NodeStatus};
use crate::operations::{Operation, check_group};
use crate::settings::Settings;
use crate::store::Store;

/// `pollGroupData`: all that a polling node needs, in one request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PollGroupData {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// `""`, a date-time or a cursor.
    pub since: String,
    /// The address that it comes from, where the home tells readers apart by it.
    #[serde(skip)]
    pub from: Option<IpAddr>,
}

/// The answer of `pollGroupData`.
#[derive(Clone, Debug)]
pub struct PollGroupDataAnswer {
    /// Recorded events behind `since`, at most 100.
    pub events: Vec<EventSlice>,
    /// Every value in force, whatever `since`.
    pub node_statuses: Vec<NodeStatus>,
    /// False when something behind `since` is no longer kept.
    pub complete: bool,
}

impl Operation for PollGroupData {
    type Output = PollGroupDataAnswer;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_group(&self.group_id, &self.domain)?;
        Since::parse(&self.since).map(drop)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<PollGroupDataAnswer> {
        let group = GroupKey { id: self.group_id, domain: self.domain };
        let since = Since::parse(&self.since)?;
        // Events first: a poller that hears an event then has the values that were set before it.
        let page = context.store.events_since(context.now(), &group, since, self.from).await?;
        let node_statuses = context.store.group_statuses(context.now(), &group).await?;
        Ok(PollGroupDataAnswer { events: page.events, node_statuses, complete: page.complete })
    }
}
