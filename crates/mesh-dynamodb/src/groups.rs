//! Creating, listing and searching groups.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::{Domain, GroupKey};
use mesh_core::model::GroupRecord;
use mesh_core::secret::{Caller, SecretHash};
use mesh_core::store::NewGroup;
use mesh_core::time::Timestamp;

use crate::items::group::{Found, Group, find_any, first_character, is_forgotten, new_group, replacing};
use crate::items::group_id::new_group_id;
use crate::items::keys;
use crate::items::member::is_fresh;
use crate::lifecycle::remove_group;
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Index, Item, Key, Put};

/// Groups of one page of a domain; a page has at most 1 MB anyway.
const PAGE: i32 = 1_000;
/// The most forgotten groups that one new group removes: more than it will leave behind itself.
const FORGOTTEN: usize = 10;
/// Entries of one page of the index of names; they have some 200 bytes each.
const ENTRIES_PAGE: i32 = 1_000;
/// The most entries that one search reads.
const ENTRIES: usize = 5_000;
/// The most items that one batch reads.
const BATCH: usize = 100;

/// The host's living group, or a new one. Of calls at the same time one puts the item, and the others
/// find it.
pub(crate) async fn create_group(store: &DynamoStore, now: Timestamp, new: NewGroup) -> Result<GroupRecord> {
    let item_key = keys::group_of_host(&new.domain, &new.host_id);
    let secret = new.secret;
    let record = record_of(now, new)?;
    let item = new_group(&record, secret, store.created.fetch_add(1, Ordering::Relaxed));
    let mut put = Put::new(item_key.clone(), item.clone());
    loop {
        match store.table.put(put).await {
            Ok(()) => break,
            Err(Failure::Refused(Some(there))) => {
                // The SDK may have sent again what had been done.
                if there.optional_text("groupId") == Some(record.key.id.as_str()) {
                    break;
                }
                let living = renew_living(store, now, &record.key.domain, secret, &item_key, &there).await?;
                if let Some(group) = living {
                    return Ok(group.record);
                }
                put = replacing(now, item_key.clone(), item.clone(), &there);
            }
            Err(Failure::Refused(None)) => put = Put::new(item_key.clone(), item.clone()),
            Err(failure) => return Err(failure.into()),
        }
    }
    check_room_in_domain(store, now, &record, &item_key).await?;
    Ok(record)
}

fn record_of(now: Timestamp, new: NewGroup) -> Result<GroupRecord> {
    Ok(GroupRecord {
        key: Arc::new(GroupKey { id: new_group_id(&new.host_id)?, domain: new.domain }),
        name: new.name.into(),
        host_id: new.host_id,
        created_at: now,
        expires_at: now.plus(new.life),
        use_web_socket: new.use_web_socket,
    })
}

/// Renews the heartbeat of the living group in a host's item, as creating it again is one. Returns
/// `None` when there is no such group.
async fn renew_living(
    store: &DynamoStore,
    now: Timestamp,
    domain: &Domain,
    secret: Option<SecretHash>,
    item_key: &Key,
    there: &Item,
) -> Result<Option<Group>> {
    let Found::Alive(group) = find_any(now, domain, there, store.lifetimes())? else { return Ok(None) };
    group.check_host_secret(Caller { id: &group.record.host_id, secret })?;
    let seen = there.time("hostSeenAt")?;
    if is_fresh(now, seen, store.lifetimes().host_heartbeat_ttl) {
        return Ok(Some(group));
    }
    let renewal = Change::of(item_key.clone()).update("SET hostSeenAt = :now").only_if_alive(
        now,
        &group.record.key.id,
        store.lifetimes(),
    );
    match store.table.update(renewal, ReturnValue::None).await {
        Ok(_) => Ok(Some(group)),
        Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Takes a new group back if its domain has too many. Counted after it was put, so that no two calls at
/// the same time can both take the last place. Groups that DynamoDB would delete some hours later go on
/// the way: else each new group and each list of a domain would read them all.
async fn check_room_in_domain(
    store: &DynamoStore,
    now: Timestamp,
    record: &GroupRecord,
    item_key: &Key,
) -> Result<()> {
    let most = store.settings.limits.groups_in_domain;
    let mut living = 0;
    let mut forgotten = Vec::new();
    let mut groups = store.table.query(item_key.partition.as_str(), PAGE).with_prefix(keys::GROUP);
    while let Some(page) = groups.next().await? {
        for item in &page {
            let found = find_any(now, &record.key.domain, item, store.lifetimes())?;
            living += usize::from(matches!(found, Found::Alive(_)));
            if forgotten.len() < FORGOTTEN && is_forgotten(item, now) {
                forgotten.push((item.key()?, item.time("expiresAt")?));
            }
        }
    }
    for (key, end) in forgotten {
        let removal = Change::of(key).only_if("expiresAt = :end").value(":end", end);
        // Refused where its host has made another one meanwhile, and left to DynamoDB where it fails.
        let _ = store.table.delete(removal).await;
    }
    if living <= most {
        return Ok(());
    }
    remove_group(store, item_key, &record.key.id).await?;
    Err(Error::invalid(format!("a domain may have at most {most} groups")))
}

pub(crate) async fn list_groups(
    store: &DynamoStore,
    now: Timestamp,
    domain: &Domain,
) -> Result<Vec<GroupRecord>> {
    let items = store.table.query(keys::domain(domain), PAGE).with_prefix(keys::GROUP).all().await?;
    living(store, now, &items, |_| Some(domain.clone()))
}

/// Entries come from the index, the oldest that are not past their end are looked up until there are
/// enough. Of more than 5,000 groups whose names begin so it sees 5,000.
pub(crate) async fn search_groups(
    store: &DynamoStore,
    now: Timestamp,
    prefix: &str,
    limit: usize,
) -> Result<Vec<GroupRecord>> {
    let candidates = candidates(store, now, prefix).await?;
    let mut found = Vec::new();
    for keys in candidates.chunks(limit.min(BATCH)) {
        let items = store.table.get_all(keys, false).await?;
        let groups = living(store, now, &items, |item| keys::domain_of(item.optional_text("pk")?))?;
        // An entry's key ends in the group's id, which a prefix with a `#` may reach into.
        found.extend(groups.into_iter().filter(|group| group.name.starts_with(prefix)));
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// Keys of groups that may match, the oldest first.
async fn candidates(store: &DynamoStore, now: Timestamp, prefix: &str) -> Result<Vec<Key>> {
    let partition = first_character(prefix);
    let mut entries = store.table.query_index(Index::ByName, partition, ENTRIES_PAGE).with_prefix(prefix);
    let mut candidates = HashMap::new();
    let mut read = 0;
    while read < ENTRIES
        && let Some(page) = entries.next().await?
    {
        read += page.len();
        for entry in page {
            if entry.time("expiresAt")? > now {
                candidates.insert(entry.key()?, entry.time("createdAt")?);
            }
        }
    }
    let mut oldest_first: Vec<_> = candidates.into_iter().collect();
    oldest_first.sort_by_key(|(_, created_at)| *created_at);
    Ok(oldest_first.into_iter().map(|(key, _)| key).collect())
}

/// The groups of these items that are in force, oldest first.
fn living(
    store: &DynamoStore,
    now: Timestamp,
    items: &[Item],
    domain: impl Fn(&Item) -> Option<Domain>,
) -> Result<Vec<GroupRecord>> {
    let mut living = Vec::new();
    for item in items {
        let Some(domain) = domain(item) else { continue };
        if let Found::Alive(group) = find_any(now, &domain, item, store.lifetimes())? {
            let serial: u64 = item.number("serial")?;
            living.push((group.record.created_at, serial, group.record));
        }
    }
    living.sort_by_key(|(created_at, serial, _)| (*created_at, *serial));
    Ok(living.into_iter().map(|(.., record)| record).collect())
}
