//! Finding groups by the beginning of their names.

use std::collections::HashMap;

use mesh_core::error::Result;
use mesh_core::id::Id;
use mesh_core::limits::PREFIX_CHARACTERS;
use mesh_core::model::GroupRecord;
use mesh_core::time::Timestamp;

use crate::keys::{self, Key};
use crate::store::DynamoStore;
use crate::table::{Index, Item};

/// Entries of one page of the index; they have some 200 bytes each.
const PAGE: i32 = 1_000;
/// The most entries that one search reads.
const ENTRIES: usize = 5_000;
/// The most items that one batch reads.
const BATCH: usize = 100;

/// A group's keys in the index of names.
pub(crate) fn name_keys(name: &str, group: &Id) -> (String, String) {
    let first = name.chars().take(1).collect();
    let six: String = name.chars().take(PREFIX_CHARACTERS).collect();
    (first, format!("{six}#{group}"))
}

impl DynamoStore {
    /// Entries come from the index, the oldest that are not past their end are looked up until there
    /// are enough. Of more than 5,000 groups whose names begin so it sees 5,000.
    pub(crate) async fn search(
        &self,
        now: Timestamp,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<GroupRecord>> {
        let candidates = self.candidates(now, prefix).await?;
        let mut found = Vec::new();
        for keys in candidates.chunks(limit.min(BATCH)) {
            let items = self.table.get_all(keys, false).await?;
            let groups = self.living(now, &items, |item| keys::domain_of(item.optional_text("pk")?))?;
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
    async fn candidates(&self, now: Timestamp, prefix: &str) -> Result<Vec<Key>> {
        let first: String = prefix.chars().take(1).collect();
        let mut entries = self.table.query_index(Index::ByName, first, PAGE).with_prefix(prefix);
        let mut candidates = HashMap::new();
        let mut read = 0;
        while read < ENTRIES
            && let Some(page) = entries.next().await?
        {
            read += page.len();
            for entry in page {
                if entry.time("expiresAt")? > now {
                    let key = key_of(&entry)?;
                    candidates.insert(key, entry.time("createdAt")?);
                }
            }
        }
        let mut oldest_first: Vec<_> = candidates.into_iter().collect();
        oldest_first.sort_by_key(|(_, created_at)| *created_at);
        Ok(oldest_first.into_iter().map(|(key, _)| key).collect())
    }
}

/// The key of the item that an index's entry belongs to.
pub(crate) fn key_of(entry: &Item) -> Result<Key> {
    let text = |name| entry.text(name).map(str::to_owned);
    Ok(Key { partition: text("pk")?, sort: text("sk")? })
}
