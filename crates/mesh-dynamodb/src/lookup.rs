//! Reading the group that a call is about.

use mesh_core::error::Result;
use mesh_core::id::GroupKey;
use mesh_core::time::Timestamp;

use crate::items::group::{Found, Group, find};
use crate::items::keys;
use crate::store::DynamoStore;
use crate::table::{Item, Key};

/// The group in an item, or the refusal of any call that needs it.
pub(crate) fn group_in(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    item: Option<&Item>,
) -> Result<Group> {
    find(now, key, item, store.lifetimes())?.or_refusal(key)
}

/// Reads the group. Returns it with the key of its item.
pub(crate) async fn read_group(store: &DynamoStore, now: Timestamp, key: &GroupKey) -> Result<(Group, Key)> {
    let item_key = keys::group_item(key)?;
    let item = store.table.get(&item_key).await?;
    Ok((group_in(store, now, key, item.as_ref())?, item_key))
}

/// Reads whatever there is of the group.
pub(crate) async fn find_group(store: &DynamoStore, now: Timestamp, key: &GroupKey) -> Result<Found> {
    let Ok(item_key) = keys::group_item(key) else { return Ok(Found::Nothing) };
    let item = store.table.get(&item_key).await?;
    find(now, key, item.as_ref(), store.lifetimes())
}
