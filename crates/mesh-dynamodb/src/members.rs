//! Joining, leaving and listing nodes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{GroupRecord, NodeRecord};
use mesh_core::store::JoinedNode;
use mesh_core::time::Timestamp;

use crate::items::group::Group;
use crate::items::keys;
use crate::items::member::{self, living_node, new_member, serial_of};
use crate::items::values::VALUES;
use crate::lifecycle::end_group;
use crate::log::begin_recording;
use crate::lookup::{group_in, read_group};
use crate::seats::{Candidate, Seat, take_seat};
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Put, TTL};

/// What became of a member's item when its node joined.
struct Admitted {
    created_at: Timestamp,
    /// True if this join made the item.
    is_new: bool,
}

pub(crate) async fn join_group(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: &Id,
    use_web_socket: Option<bool>,
) -> Result<JoinedNode> {
    let item_key = &keys::group_item(key)?;
    let polls = use_web_socket == Some(false);
    let candidate = Candidate { group: key, item_key, node, polls, is_written: false };
    let (group, seat) = take_seat(store, now, candidate).await?;
    if polls && !group.has_pollers {
        begin_recording(store, now, key, item_key).await?;
    }
    let use_web_socket = group.record.use_web_socket && !polls;
    let created_at = if seat == Seat::Host {
        host_joins(store, now, candidate).await?;
        group.record.created_at
    } else {
        node_joins(store, now, candidate, &group, seat, use_web_socket).await?
    };
    Ok(JoinedNode {
        group: group.record,
        node: NodeRecord { id: node.clone(), created_at, name: None, use_web_socket },
    })
}

/// Makes this the host's newest membership. The host stays unlisted.
async fn host_joins(store: &DynamoStore, now: Timestamp, candidate: Candidate<'_>) -> Result<()> {
    let Candidate { group: key, item_key, .. } = candidate;
    let joining = Change::of(item_key.clone()).update("SET joinedAt = :now").only_if_alive(
        now,
        &key.id,
        store.lifetimes(),
    );
    match store.table.update(joining, ReturnValue::None).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(item)) => group_in(store, now, key, item.as_ref()).map(drop),
        Err(failure) => Err(failure.into()),
    }
}

/// Writes the member, and takes a new one back unless the group is still there afterwards and has
/// counted it. Returns when it joined first.
async fn node_joins(
    store: &DynamoStore,
    now: Timestamp,
    candidate: Candidate<'_>,
    group: &Group,
    seat: Seat,
    use_web_socket: bool,
) -> Result<Timestamp> {
    let Admitted { created_at, is_new } =
        write_member(store, now, group, candidate.node, use_web_socket).await?;
    if !is_new {
        return Ok(created_at);
    }
    let stays = async {
        let (there, _) = read_group(store, now, candidate.group).await?;
        if there.recounts != group.recounts || seat != Seat::Taken {
            take_seat(store, now, Candidate { is_written: true, ..candidate }).await?;
        }
        Ok(())
    };
    if let Err(refusal) = stays.await {
        withdraw(store, group, candidate.node).await?;
        return Err(refusal);
    }
    Ok(created_at)
}

async fn write_member(
    store: &DynamoStore,
    now: Timestamp,
    group: &Group,
    node: &Id,
    use_web_socket: bool,
) -> Result<Admitted> {
    let key = keys::member(&group.record.key.id, node);
    let serial = serial_of(group);
    loop {
        let joining = Change::of(key.clone())
            .update(
                "SET inDomain = :domain, webSocket = :socket, seenAt = :now, nodeId = :node, joinedAt = :now, \
                 createdAt = if_not_exists(createdAt, :now), serial = if_not_exists(serial, :serial), \
                 #v = if_not_exists(#v, :none), valueBytes = if_not_exists(valueBytes, :zero), \
                 reportedAt = if_not_exists(reportedAt, :zero), #ttl = :ttl",
            )
            .only_if_not_silent(now, store.lifetimes())
            .value(":domain", group.record.key.domain.as_str())
            .value(":socket", use_web_socket)
            .value(":now", now)
            .value(":node", node.as_str())
            .value(":serial", serial)
            .value(":none", HashMap::new())
            .value(":zero", 0_u64)
            .value(":ttl", group.ttl())
            .name("#v", VALUES)
            .name("#ttl", TTL);
        let silent = match store.table.update(joining, ReturnValue::AllOld).await {
            Ok(before) => {
                // The SDK may have sent again what had been done.
                let is_new = before.optional_number("serial").is_none_or(|known: u64| known == serial);
                let created_at = if is_new { now } else { before.time("createdAt")? };
                return Ok(Admitted { created_at, is_new });
            }
            Err(Failure::Refused(silent)) => silent,
            Err(failure) => return Err(failure.into()),
        };
        // Who was silent for too long starts anew, without the values it had.
        let seen = silent.and_then(|item| item.optional_number::<i64>("seenAt")).unwrap_or_default();
        let item = new_member(now, group)
            .with("webSocket", use_web_socket)
            .with("nodeId", node.as_str())
            .with("joinedAt", now);
        let anew = Put::new(key.clone(), item).only_if("seenAt = :seen").value(":seen", seen);
        match store.table.put(anew).await {
            Ok(()) => return Ok(Admitted { created_at: now, is_new: true }),
            Err(Failure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Takes back the member that a join under way has written.
async fn withdraw(store: &DynamoStore, group: &Group, node: &Id) -> Result<()> {
    let own = Change::of(keys::member(&group.record.key.id, node))
        .only_if("serial = :serial")
        .value(":serial", serial_of(group));
    match store.table.delete(own).await {
        Ok(()) | Err(Failure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

pub(crate) async fn leave_group(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: &Id,
) -> Result<()> {
    let (group, _) = read_group(store, now, key).await?;
    if group.is_host(node) {
        return end_group(store, now, key, node).await;
    }
    let leaving = Change::of(keys::member(&key.id, node)).only_if_member_lives(now, store.lifetimes());
    match store.table.delete(leaving).await {
        Ok(()) => Ok(()),
        Err(Failure::Refused(_)) => Err(Error::NodeNotFound(node.clone())),
        Err(failure) => Err(failure.into()),
    }
}

pub(crate) async fn list_nodes(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
) -> Result<(GroupRecord, Vec<NodeRecord>)> {
    let (group, _) = read_group(store, now, key).await?;
    let members = store.table.query(keys::group(&key.id), member::PAGE).with_prefix(keys::MEMBER);
    let items = members.only("sk, seenAt, createdAt, webSocket, serial").all().await?;
    let mut nodes = Vec::new();
    for item in &items {
        let Some(id) = living_node(now, item, store.lifetimes()).filter(|id| !group.is_host(id)) else {
            continue;
        };
        let created_at = item.time("createdAt")?;
        let serial: u64 = item.number("serial")?;
        nodes.push((
            serial,
            NodeRecord { id, created_at, name: None, use_web_socket: item.is_on("webSocket") },
        ));
    }
    nodes.sort_unstable_by_key(|(serial, node)| (node.created_at, *serial));
    Ok((group.record, nodes.into_iter().map(|(_, node)| node).collect()))
}
