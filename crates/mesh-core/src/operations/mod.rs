//! The operations of the API, one file each: its arguments by the schema's names, the limits that
//! are visible in them, and its rule.

mod create_domain;
mod create_group;
mod dissolve_group;
mod fire_events_by_node;
mod get_events_since;
mod get_node_status;
mod join_group;
mod leave_group;
mod list_group_statuses;
mod list_groups_by_domain;
mod list_nodes_in_group;
mod poll_group_data;
mod record_events_by_node;
mod renew_heartbeat;
mod report_status;
mod search_groups_by_name_prefix;
mod send_member_heartbeat;

pub use create_domain::CreateDomain;
pub use create_group::CreateGroup;
pub use dissolve_group::DissolveGroup;
pub use fire_events_by_node::FireEventsByNode;
pub use get_events_since::GetEventsSince;
pub use get_node_status::GetNodeStatus;
pub use join_group::JoinGroup;
pub use leave_group::{LeaveGroup, LeaveGroupAnswer};
pub use list_group_statuses::ListGroupStatuses;
pub use list_groups_by_domain::ListGroupsByDomain;
pub use list_nodes_in_group::ListNodesInGroup;
pub use poll_group_data::{PollGroupData, PollGroupDataAnswer};
pub use record_events_by_node::{RecordEventsByNode, RecordEventsByNodeAnswer};
pub use renew_heartbeat::{RenewHeartbeat, RenewHeartbeatAnswer};
pub use report_status::ReportStatus;
pub use search_groups_by_name_prefix::SearchGroupsByNamePrefix;
pub use send_member_heartbeat::{SendMemberHeartbeat, SendMemberHeartbeatAnswer};

use crate::context::Context;
use crate::error::Result;
use crate::id::{Domain, Id};
use crate::limits;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::store::Store;

/// One field of the API: its arguments are the implementing type.
pub trait Operation: Sized + Send {
    /// The answer.
    type Output;

    /// Refuses arguments that pass a limit, before anything is looked up.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with what is allowed.
    fn check(&self, settings: &Settings) -> Result<()>;

    /// Does it, with arguments that were checked.
    ///
    /// # Errors
    ///
    /// Whatever the [`Store`] refuses.
    fn apply<S: Store>(self, context: &Context<S>) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Checks the arguments, then does it.
    ///
    /// # Errors
    ///
    /// Whatever [`Operation::check`] or the [`Store`] refuses.
    fn run<S: Store>(self, context: &Context<S>) -> impl Future<Output = Result<Self::Output>> + Send
    where
        Self::Output: Send,
    {
        async move {
            self.check(&context.settings)?;
            self.apply(context).await
        }
    }
}

/// Checks the arguments that name a group.
fn check_group(group_id: &Id, domain: &Domain) -> Result<()> {
    limits::id("groupId", group_id)?;
    limits::domain(domain)
}

/// Checks the arguments that name a group and the node that acts in it.
fn check_caller(group_id: &Id, domain: &Domain, node_id: &Id, secret: Option<&Secret>) -> Result<()> {
    check_group(group_id, domain)?;
    limits::id("nodeId", node_id)?;
    limits::secret(secret)
}
