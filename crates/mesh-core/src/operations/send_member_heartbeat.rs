use serde::Deserialize;

use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::mesh::Mesh;
use crate::operations::{Heartbeat, Operation, check_node};
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
}

/// What a member's heartbeat is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberHeartbeat {
    /// The member.
    pub node_id: Id,
    /// The group and the next heartbeat.
    pub heartbeat: Heartbeat,
}

impl Operation for SendMemberHeartbeat {
    type Output = MemberHeartbeat;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_node(&self.group_id, &self.domain, &self.node_id)
    }

    async fn apply<S: Store>(self, mesh: &Mesh<S>) -> Result<MemberHeartbeat> {
        let key = GroupKey { id: self.group_id, domain: self.domain };
        let group = mesh.store.send_member_heartbeat(mesh.now(), &key, &self.node_id).await?;
        let heartbeat = Heartbeat {
            group: group.key,
            expires_at: group.expires_at,
            interval_seconds: mesh.settings.lifetimes.member_heartbeat_interval,
        };
        Ok(MemberHeartbeat { node_id: self.node_id, heartbeat })
    }
}
