//! The operation `createGroup`: its arguments, its limits, its rule.

use std::net::IpAddr;

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, Id};
use crate::limits;
use crate::model::Group;
use crate::operations::Operation;
use crate::secret::Secret;
use crate::settings::{self, Settings};
use crate::store::{NewGroup, Store};

/// `createGroup`: the host's living group in that domain, or a new one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateGroup {
    /// The group's name.
    pub name: String,
    /// The node that hosts it.
    pub host_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The domain in which it is found.
    pub domain: Domain,
    /// Its longest life; the configured maximum if none is given.
    pub max_connection_time_seconds: Option<i32>,
    /// True or absent if its nodes use WebSockets.
    pub use_web_socket: Option<bool>,
    /// The address that it comes from, where the home tells readers apart by it.
    #[serde(skip)]
    pub from: Option<IpAddr>,
}

impl Operation for CreateGroup {
    type Output = Group;

    fn check(&self, settings: &Settings) -> Result<()> {
        limits::group_name(&self.name)?;
        limits::id("hostId", &self.host_id)?;
        limits::domain(&self.domain)?;
        limits::secret(self.secret.as_ref())?;
        limits::connection_time(self.max_connection_time_seconds, settings.lifetimes.max_connection_time)
            .map(drop)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Group> {
        let lifetimes = &context.settings.lifetimes;
        let life = limits::connection_time(self.max_connection_time_seconds, lifetimes.max_connection_time)?;
        let new = NewGroup {
            domain: self.domain,
            host_id: self.host_id,
            name: self.name,
            use_web_socket: self.use_web_socket.unwrap_or(true),
            life: settings::seconds(life),
            secret: self.secret.as_ref().map(Secret::hash),
            from: self.from,
        };
        context.store.create_group(context.now(), new).await.map(|record| lifetimes.describe(record))
    }
}
