//! Heartbeats, and the end of groups.

use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, HostAction, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{DissolveReason, GroupRecord, MeshMessage, MessageFields};
use mesh_core::secret::Caller;
use mesh_core::time::Timestamp;

use crate::items::group::Group;
use crate::items::keys;
use crate::items::member::{self, lives};
use crate::lookup::{group_in, read_group};
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Item, Key};

pub(crate) async fn renew_heartbeat(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    host: Caller<'_>,
) -> Result<GroupRecord> {
    let renewal = Change::of(keys::group_item(key)?)
        .update("SET hostSeenAt = :now")
        .only_if_alive(now, &key.id, store.lifetimes())
        .only_if("hostId = :host")
        .value(":host", host.id.as_str())
        .only_if_proven(host);
    match store.table.update(renewal, ReturnValue::AllNew).await {
        Ok(item) => Ok(group_in(store, now, key, Some(&item))?.record),
        Err(Failure::Refused(item)) => {
            let group = group_in(store, now, key, item.as_ref())?;
            Err(refusal_of_host(&group, host, HostAction::RenewHeartbeat))
        }
        Err(failure) => Err(failure.into()),
    }
}

pub(crate) async fn send_member_heartbeat(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
) -> Result<GroupRecord> {
    let (group, _) = read_group(store, now, key).await?;
    if group.is_host(node.id) {
        group.check_host_secret(node)?;
    } else {
        renew_member(store, now, key, node).await?;
    }
    Ok(group.record)
}

/// Renews a member's heartbeat.
pub(crate) async fn renew_member(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
) -> Result<()> {
    let heartbeat = Change::of(keys::member(&key.id, node.id))
        .update("SET seenAt = :now")
        .value(":now", now)
        .only_if_member_lives(now, store.lifetimes())
        .only_if_proven(node);
    match store.table.update(heartbeat, ReturnValue::None).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(item)) => Err(refusal_of_member(store, now, node, item.as_ref())),
        Err(failure) => Err(failure.into()),
    }
}

/// Why a living group refuses what only its host may do.
fn refusal_of_host(group: &Group, host: Caller<'_>, action: HostAction) -> Error {
    let proven = if group.is_host(host.id) { group.check_host_secret(host) } else { Ok(()) };
    proven.err().unwrap_or(Error::NotHost(action))
}

/// Why a member's item refuses what only its node may do.
pub(crate) fn refusal_of_member(
    store: &DynamoStore,
    now: Timestamp,
    node: Caller<'_>,
    item: Option<&Item>,
) -> Error {
    let living = item.filter(|item| lives(now, item, store.lifetimes()));
    let proven = living.map_or(Ok(()), |item| item.check_secret(node));
    proven.err().unwrap_or_else(|| Error::NodeNotFound(node.id.clone()))
}

pub(crate) async fn dissolve_group(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    host: Caller<'_>,
    fields: MessageFields,
) -> Result<MeshMessage> {
    end_group(store, now, key, host).await?;
    Ok(MeshMessage::dissolve(Arc::new(key.clone()), DissolveReason::ByHost, fields))
}

/// Ends a group, then removes its members: all of them, or an error and the host's next try goes on.
/// Recorded calls are out of reach from the first write on and go by their TTL.
pub(crate) async fn end_group(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    host: Caller<'_>,
) -> Result<()> {
    let item_key = keys::group_item(key)?;
    let ending = Change::of(item_key.clone())
        .update("SET dissolvedAt = :now REMOVE nameInitial, nameStart, nodeId, joinedAt")
        .only_if_alive(now, &key.id, store.lifetimes())
        .only_if("hostId = :host")
        .value(":host", host.id.as_str())
        .only_if_proven(host);
    match store.table.update(ending, ReturnValue::None).await {
        Ok(_) => {}
        Err(Failure::Refused(item)) => {
            let goes_on = item.as_ref().is_some_and(|item| {
                item.0.contains_key("dissolvedAt")
                    && item.optional_text("groupId") == Some(key.id.as_str())
                    && item.optional_text("hostId") == Some(host.id.as_str())
                    && item.check_secret(host).is_ok()
            });
            if !goes_on {
                let group = group_in(store, now, key, item.as_ref())?;
                return Err(refusal_of_host(&group, host, HostAction::Dissolve));
            }
        }
        Err(failure) => return Err(failure.into()),
    }
    remove_members(store, &key.id).await?;
    remove_group(store, &item_key, &key.id).await
}

async fn remove_members(store: &DynamoStore, group: &Id) -> Result<()> {
    let members = store.table.query(keys::group(group), member::PAGE).with_prefix(keys::MEMBER);
    let mut members = members.only("pk, sk");
    while let Some(page) = members.next().await? {
        let keys = page.iter().map(Item::key).collect::<Result<Vec<_>>>()?;
        store.table.delete_all(&keys).await?;
    }
    Ok(())
}

/// Removes a group's item, but for what it remembers of earlier groups of its host. A group that has
/// taken its place already stays.
pub(crate) async fn remove_group(store: &DynamoStore, item_key: &Key, group: &Id) -> Result<()> {
    let own = |change: Change| change.only_if("groupId = :gid").value(":gid", group.as_str());
    let alone = own(Change::of(item_key.clone())).only_if("attribute_not_exists(pastGroups)");
    match store.table.delete(alone).await {
        Err(Failure::Refused(Some(item))) if item.0.contains_key("pastGroups") => {
            let rest = own(Change::of(item_key.clone())).update(
                "REMOVE groupId, nameInitial, nameStart, nodeId, joinedAt, hostId, groupName, secretHash",
            );
            match store.table.update(rest, ReturnValue::None).await {
                Ok(_) | Err(Failure::Refused(_)) => Ok(()),
                Err(failure) => Err(failure.into()),
            }
        }
        Ok(()) | Err(Failure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}
