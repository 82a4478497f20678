//! Firing and recording events.

use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::cursor::{Cursor, Position};
use mesh_core::error::{Error, Result};
use mesh_core::id::GroupKey;
use mesh_core::model::{BatchEvent, Content, Event, MeshMessage, MessageFields};
use mesh_core::secret::Caller;
use mesh_core::store::{NewBatch, RecordedBatch};
use mesh_core::time::Timestamp;

use crate::items::call::{NewCall, Receipt};
use crate::items::group::Group;
use crate::items::group_id::epoch;
use crate::items::keys;
use crate::items::member::{is_fresh, lives};
use crate::lifecycle::renew_member;
use crate::log::{append, append_once, begin_recording};
use crate::lookup::group_in;
use crate::store::DynamoStore;
use crate::table::{Failure, Key};

pub(crate) async fn fire_events(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
    events: Arc<[Event]>,
    fields: MessageFields,
) -> Result<MeshMessage> {
    let (group, seen) = group_of_member(store, now, key, node).await?;
    let call = NewCall::new(&group, node.id, events)?;
    renew_if_old(store, now, key, node, seen).await?;
    let entry = if group.has_pollers { Some(append(store, now, &call).await?) } else { None };
    Ok(message(call.batch(entry, now), fields))
}

pub(crate) async fn record_events(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
    batch: NewBatch,
) -> Result<RecordedBatch> {
    let (group, seen) = group_of_member(store, now, key, node).await?;
    let call = NewCall::new(&group, node.id, batch.sorted)?;
    renew_if_old(store, now, key, node, seen).await?;
    if !group.has_pollers {
        begin_recording(store, now, key, &keys::group_item(key)?).await?;
    }
    let receipt_key = keys::receipt(&key.id, node.id, &batch.digest);
    let receipt = append_once(store, now, &call, &receipt_key).await?;
    let message = message(call.batch(Some(receipt.entry), now), MessageFields::ALL);
    if !receipt.is_published {
        publish(store, &message, receipt_key, &receipt).await?;
    }
    // Right before the call: what others recorded meanwhile lies behind it.
    let position = Position { call: receipt.entry.number, taken: 0 };
    Ok(RecordedBatch {
        count: receipt.count,
        next_since: Cursor { epoch: epoch(&key.id), position, reader: None },
        is_repeated: receipt.is_repeated,
    })
}

/// Tells subscribers, and notes that they were told. If this fails or its process dies, the next call
/// of the same events publishes them, in the same entry of the log.
async fn publish(
    store: &DynamoStore,
    message: &MeshMessage,
    receipt_key: Key,
    receipt: &Receipt,
) -> Result<()> {
    let Some(publisher) = &store.publisher else { return Ok(()) };
    publisher.publish(message).await.map_err(Error::Unpublished)?;
    match store.table.update(receipt.published(receipt_key), ReturnValue::None).await {
        Ok(_) | Err(Failure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// The group, and the last heartbeat of a member of it. Returns `None` for the host, whose firing is no
/// heartbeat.
async fn group_of_member(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
) -> Result<(Group, Option<Timestamp>)> {
    let group_key = keys::group_item(key)?;
    let member_key = keys::member(&key.id, node.id);
    let items = store.table.get_all([&group_key, &member_key], true).await?;
    let item_of = |key: &Key| items.iter().find(|item| item.optional_text("pk") == Some(&key.partition));
    let group = group_in(store, now, key, item_of(&group_key))?;
    if group.is_host(node.id) {
        group.check_host_secret(node)?;
        return Ok((group, None));
    }
    let item = item_of(&member_key).filter(|item| lives(now, item, store.lifetimes()));
    let item = item.ok_or_else(|| Error::NodeNotFound(node.id.clone()))?;
    item.check_secret(node)?;
    Ok((group, Some(item.time("seenAt")?)))
}

/// Renews a member's heartbeat unless it is fresh.
async fn renew_if_old(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
    seen: Option<Timestamp>,
) -> Result<()> {
    match seen {
        Some(seen) if !is_fresh(now, seen, store.lifetimes().member_heartbeat_ttl) => {
            renew_member(store, now, key, node).await
        }
        _ => Ok(()),
    }
}

fn message(batch: Arc<BatchEvent>, fields: MessageFields) -> MeshMessage {
    MeshMessage { group: batch.group.clone(), content: Content::BatchEvent(batch), fields }
}
