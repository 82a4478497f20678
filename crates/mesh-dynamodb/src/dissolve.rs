//! Ending groups.

use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, HostAction, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{DissolveReason, MeshMessage, MessageFields};
use mesh_core::time::Timestamp;

use crate::keys::{self, Key};
use crate::store::DynamoStore;
use crate::table::{Change, Failure};

/// Members of one page; each has 1 KB or so.
const PAGE: i32 = 100;

impl DynamoStore {
    pub(crate) async fn dissolve(
        &self,
        now: Timestamp,
        key: &GroupKey,
        host: &Id,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        self.end(now, key, host).await?;
        Ok(MeshMessage::dissolve(Arc::new(key.clone()), DissolveReason::ByHost, fields))
    }

    /// Ends a group, then removes its members: all of them, or an error and the host's next try goes
    /// on. RecordedBatch calls are out of reach from the first write on and go by their TTL.
    pub(crate) async fn end(&self, now: Timestamp, key: &GroupKey, host: &Id) -> Result<()> {
        let place = keys::group_item(key)?;
        let ending = Change::of(place.clone())
            .update("SET dissolvedAt = :now REMOVE np, ns, nn, nj")
            .only_if_alive(now, &key.id, self.rules())
            .only_if("hostId = :host")
            .value(":host", host.as_str());
        match self.table.update(ending, ReturnValue::None).await {
            Ok(_) => {}
            Err(Failure::Refused(item)) => {
                let goes_on = item.as_ref().is_some_and(|item| {
                    item.0.contains_key("dissolvedAt")
                        && item.optional_text("gid") == Some(key.id.as_str())
                        && item.optional_text("hostId") == Some(host.as_str())
                });
                if !goes_on {
                    self.group_in(now, key, item.as_ref())?;
                    return Err(Error::NotHost(HostAction::Dissolve));
                }
            }
            Err(failure) => return Err(failure.into()),
        }
        self.remove_members(&key.id).await?;
        self.remove_group(&place, &key.id).await
    }

    async fn remove_members(&self, group: &Id) -> Result<()> {
        let partition = keys::group(group);
        let mut members = self.table.query(partition.as_str(), PAGE).with_prefix(keys::MEMBER).only("pk, sk");
        while let Some(page) = members.next().await? {
            let key = |sort: &str| Key { partition: partition.clone(), sort: sort.to_owned() };
            let keys: Vec<_> = page.iter().filter_map(|item| item.optional_text("sk")).map(key).collect();
            self.table.delete_all(&keys).await?;
        }
        Ok(())
    }

    /// Removes a group's item, but for what it remembers of earlier groups of its host. A group that
    /// has taken its place already stays.
    pub(crate) async fn remove_group(&self, place: &Key, group: &Id) -> Result<()> {
        let own = |change: Change| change.only_if("gid = :gid").value(":gid", group.as_str());
        let alone = own(Change::of(place.clone())).only_if("attribute_not_exists(past)");
        match self.table.delete(alone).await {
            Err(Failure::Refused(Some(item))) if item.0.contains_key("past") => {
                let rest = own(Change::of(place.clone())).update("REMOVE gid, np, ns, nn, nj, hostId, label");
                match self.table.update(rest, ReturnValue::None).await {
                    Ok(_) | Err(Failure::Refused(_)) => Ok(()),
                    Err(failure) => Err(failure.into()),
                }
            }
            Ok(()) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}
