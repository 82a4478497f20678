//! The operation `joinGroup`: its arguments, its limits, its rule.

use std::net::IpAddr;

use serde::Deserialize;

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::limits;
use crate::model::Node;
use crate::operations::{Operation, check_caller};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::{NewMember, Store};

/// `joinGroup`: makes a node a member; joining again keeps its values.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinGroup {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The node that joins.
    pub node_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// False for a node that cannot use a WebSocket; else the group decides.
    pub use_web_socket: Option<bool>,
    /// The node's name; joining again with another name changes it.
    #[serde(default)]
    pub name: Option<String>,
    /// The address that it comes from, where the home tells readers apart by it.
    #[serde(skip)]
    pub from: Option<IpAddr>,
}

impl Operation for JoinGroup {
    type Output = Node;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_caller(&self.group_id, &self.domain, &self.node_id, self.secret.as_ref())?;
        limits::node_name(self.name.as_deref())
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<Node> {
        let caller = Caller::new(&self.node_id, self.secret.as_ref());
        let group = GroupKey { id: self.group_id, domain: self.domain };
        let (use_web_socket, name, from) = (self.use_web_socket, self.name.map(Into::into), self.from);
        let new = NewMember { use_web_socket, name, from };
        let joined = context.store.join_group(context.now(), &group, caller, new).await?;
        Ok(context.settings.lifetimes.describe_node(&joined.group, joined.node))
    }
}
