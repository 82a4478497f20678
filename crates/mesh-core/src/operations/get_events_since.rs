//! The operation `getEventsSince`: its arguments, its limits, its rule.

use std::net::IpAddr;

use serde::Deserialize;

use crate::context::Context;
use crate::cursor::Since;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::model::EventSlice;
use crate::operations::{Operation, check_group};
use crate::settings::Settings;
use crate::store::Store;

/// `getEventsSince`: recorded events behind a place or a time, at most 100.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetEventsSince {
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

impl Operation for GetEventsSince {
    type Output = Vec<EventSlice>;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_group(&self.group_id, &self.domain)?;
        Since::parse(&self.since).map(drop)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Vec<EventSlice>> {
        let group = GroupKey { id: self.group_id, domain: self.domain };
        let since = Since::parse(&self.since)?;
        context.store.events_since(context.now(), &group, since, self.from).await.map(|page| page.events)
    }
}
