//! Joining, leaving and listing nodes.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{GroupRecord, NodeRecord};
use mesh_core::secret::Caller;
use mesh_core::store::{JoinedNode, NewMember};
use mesh_core::time::Timestamp;

use crate::items::group::Group;
use crate::items::keys;
use crate::items::member::{self, lives, living_node, new_member, serial_of};
use crate::items::values::VALUES;
use crate::lifecycle::{end_group, refusal_of_member};
use crate::log::begin_recording;
use crate::lookup::{group_in, read_group};
use crate::seats::{Candidate, Seat, give_back, take_seat};
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Item, Key, Put, TTL};

/// A node on its way into its member's item.
struct Joining<'a> {
    now: Timestamp,
    group: &'a Group,
    node: Caller<'a>,
    use_web_socket: bool,
    name: Option<Arc<str>>,
}

/// A member's item after its node joined.
struct Admitted {
    created_at: Timestamp,
    name: Option<Arc<str>>,
    /// True if this join made the item.
    is_new: bool,
}

pub(crate) async fn join_group(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
    new: NewMember,
) -> Result<JoinedNode> {
    let item_key = &keys::group_item(key)?;
    let polls = new.use_web_socket == Some(false);
    let candidate = Candidate { group: key, item_key, node, polls, is_written: false };
    let (group, seat) = take_seat(store, now, candidate).await?;
    if polls && !group.has_pollers {
        begin_recording(store, now, key, item_key).await?;
    }
    let use_web_socket = group.record.use_web_socket && !polls;
    let (created_at, name) = if seat == Seat::Host {
        host_joins(store, now, candidate).await?;
        (group.record.created_at, new.name)
    } else {
        let joining = Joining { now, group: &group, node, use_web_socket, name: new.name };
        let admitted = node_joins(store, candidate, seat, &joining).await?;
        (admitted.created_at, admitted.name)
    };
    let node = NodeRecord { id: node.id.clone(), created_at, name, use_web_socket };
    Ok(JoinedNode { group: group.record, node })
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
/// counted it.
async fn node_joins(
    store: &DynamoStore,
    candidate: Candidate<'_>,
    seat: Seat,
    joining: &Joining<'_>,
) -> Result<Admitted> {
    let Joining { now, group, .. } = *joining;
    let admitted = match write_member(store, joining).await {
        Err(Error::Protected) if seat == Seat::Taken => {
            give_back(store, now, candidate, group).await?;
            return Err(Error::Protected);
        }
        written => written?,
    };
    if !admitted.is_new {
        return Ok(admitted);
    }
    let stays = async {
        let (there, _) = read_group(store, now, candidate.group).await?;
        if there.recounts != group.recounts || seat != Seat::Taken {
            take_seat(store, now, Candidate { is_written: true, ..candidate }).await?;
        }
        Ok(())
    };
    if let Err(refusal) = stays.await {
        withdraw(store, group, candidate.node.id).await?;
        return Err(refusal);
    }
    Ok(admitted)
}

/// Writes the member: a new one, one that was silent for too long anew, or one that is there already
/// and whose secret the node shows.
async fn write_member(store: &DynamoStore, joining: &Joining<'_>) -> Result<Admitted> {
    let Joining { now, group, node, ref name, .. } = *joining;
    let mut is_open = false;
    loop {
        let there = match store.table.update(joining.change(store, is_open), ReturnValue::AllOld).await {
            Ok(before) => {
                // The SDK may have sent again what had been done.
                let serial = serial_of(group);
                let is_new = before.optional_number("serial").is_none_or(|known: u64| known == serial);
                let created_at = if is_new { now } else { before.time("createdAt")? };
                let name = name.clone().or_else(|| before.optional_text("nodeName").map(Arc::from));
                return Ok(Admitted { created_at, name, is_new });
            }
            Err(Failure::Refused(there)) => there,
            Err(failure) => return Err(failure.into()),
        };
        let Some(there) = there else {
            // It left meanwhile.
            is_open = false;
            continue;
        };
        if lives(now, &there, store.lifetimes()) {
            there.check_secret(node)?;
            is_open = there.secret()?.is_none();
            continue;
        }
        match store.table.put(joining.anew(&there)).await {
            Ok(()) => return Ok(Admitted { created_at: now, name: name.clone(), is_new: true }),
            Err(Failure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
}

impl Joining<'_> {
    fn key(&self) -> Key {
        keys::member(&self.group.record.key.id, self.node.id)
    }

    /// Makes a member that is bound to the secret of its node, or changes the one that is bound to it.
    /// A member that is known to be open is changed and stays open.
    fn change(&self, store: &DynamoStore, is_open: bool) -> Change {
        let mut update = "SET inDomain = :domain, webSocket = :socket, seenAt = :now, nodeId = :node, \
             joinedAt = :now, createdAt = if_not_exists(createdAt, :now), \
             serial = if_not_exists(serial, :serial), #v = if_not_exists(#v, :none), \
             valueBytes = if_not_exists(valueBytes, :zero), reportedAt = if_not_exists(reportedAt, :zero), \
             #ttl = :ttl"
            .to_owned();
        let mut change = Change::of(self.key())
            .only_if_not_silent(self.now, store.lifetimes())
            .value(":domain", self.group.record.key.domain.as_str())
            .value(":socket", self.use_web_socket)
            .value(":now", self.now)
            .value(":node", self.node.id.as_str())
            .value(":serial", serial_of(self.group))
            .value(":none", HashMap::new())
            .value(":zero", 0_u64)
            .value(":ttl", self.group.ttl())
            .name("#v", VALUES)
            .name("#ttl", TTL);
        if let Some(name) = &self.name {
            update.push_str(", nodeName = :name");
            change = change.value(":name", &**name);
        }
        change = match self.node.secret {
            Some(secret) if !is_open => {
                update.push_str(", secretHash = :secret");
                change.only_if("(attribute_not_exists(pk) OR secretHash = :secret)").value(":secret", secret)
            }
            Some(_) => change.only_if("attribute_exists(pk) AND attribute_not_exists(secretHash)"),
            None => change.only_if_proven(self.node),
        };
        change.update(update)
    }

    /// Puts the member in the place of one that was silent for too long, without the values that it had.
    fn anew(&self, silent: &Item) -> Put {
        let item = new_member(self.now, self.group)
            .with("webSocket", self.use_web_socket)
            .with("nodeId", self.node.id.as_str())
            .with("joinedAt", self.now)
            .bound_to(self.node.secret);
        let item = match &self.name {
            Some(name) => item.with("nodeName", &**name),
            None => item,
        };
        let seen: i64 = silent.optional_number("seenAt").unwrap_or_default();
        Put::new(self.key(), item).only_if("seenAt = :seen").value(":seen", seen)
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
    node: Caller<'_>,
) -> Result<()> {
    let (group, _) = read_group(store, now, key).await?;
    if group.is_host(node.id) {
        return end_group(store, now, key, node).await;
    }
    let leaving = Change::of(keys::member(&key.id, node.id))
        .only_if_member_lives(now, store.lifetimes())
        .only_if_proven(node);
    match store.table.delete(leaving).await {
        Ok(()) => Ok(()),
        Err(Failure::Refused(item)) => Err(refusal_of_member(store, now, node, item.as_ref())),
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
    let items = members.only("sk, seenAt, createdAt, webSocket, serial, nodeName").all().await?;
    let mut nodes = Vec::new();
    for item in &items {
        let Some(id) = living_node(now, item, store.lifetimes()).filter(|id| !group.is_host(id)) else {
            continue;
        };
        let created_at = item.time("createdAt")?;
        let serial: u64 = item.number("serial")?;
        let (name, use_web_socket) = (item.optional_text("nodeName").map(Arc::from), item.is_on("webSocket"));
        nodes.push((serial, NodeRecord { id, created_at, name, use_web_socket }));
    }
    nodes.sort_unstable_by_key(|(serial, node)| (node.created_at, *serial));
    Ok((group.record, nodes.into_iter().map(|(_, node)| node).collect()))
}
