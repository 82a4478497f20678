//! The journal's file: one redb database, a table for each kind of row.

use std::ops::RangeInclusive;
use std::sync::Arc;

use mesh_core::error::StoreFailure;
use mesh_core::id::Id;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::rows::{CallRow, Row};
use crate::state::Loaded;

/// Raised whenever rows are written in another way.
const FORMAT: u64 = 2;

const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("mesh");
const GROUPS: TableDefinition<u64, &[u8]> = TableDefinition::new("groups");
const MEMBERS: TableDefinition<(u64, &str), &[u8]> = TableDefinition::new("members");
const VALUES: TableDefinition<(u64, &str, &str), &[u8]> = TableDefinition::new("values");
const CALLS: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("calls");
const REPEATS: TableDefinition<(u64, &str, [u8; 16]), &[u8]> = TableDefinition::new("repeats");

/// Why a database is not one of this program's.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormatError {
    #[error("it is a database of another program")]
    Foreign,
    #[error("it has format {0}, this program writes format {FORMAT}")]
    Version(u64),
}

/// Reads everything, and makes the tables of a new database.
pub(super) fn load(database: &Database) -> Result<Loaded, StoreFailure> {
    let epoch = identify(database)?;
    let read = database.begin_read()?;
    let mut loaded = Loaded { epoch, ..Loaded::default() };
    for row in read.open_table(GROUPS)?.iter()? {
        let (key, value) = row?;
        loaded.groups.push((key.value(), decode(value.value())?));
    }
    for row in read.open_table(MEMBERS)?.iter()? {
        let (key, value) = row?;
        let (group, node) = key.value();
        loaded.members.push((group, Id::from(node), decode(value.value())?));
    }
    for row in read.open_table(VALUES)?.iter()? {
        let (key, value) = row?;
        let (group, node, name) = key.value();
        loaded.values.push((group, Id::from(node), Arc::from(name), decode(value.value())?));
    }
    for row in read.open_table(CALLS)?.iter()? {
        let (key, value) = row?;
        let (group, call) = key.value();
        loaded.calls.push((group, call, decode(value.value())?));
    }
    for row in read.open_table(REPEATS)?.iter()? {
        let (key, value) = row?;
        let (group, node, digest) = key.value();
        loaded.repeats.push((group, Id::from(node), digest, decode(value.value())?));
    }
    Ok(loaded)
}

/// The epoch of a database of this program; makes the tables if it is empty.
fn identify(database: &Database) -> Result<u32, StoreFailure> {
    let write = database.begin_write()?;
    let is_new = write.list_tables()?.next().is_none();
    let epoch = {
        let mut about = write.open_table(ABOUT)?;
        if is_new {
            about.insert("format", FORMAT)?;
            about.insert("epoch", u64::from(random_epoch()?))?;
        }
        let format = about.get("format")?.ok_or(FormatError::Foreign)?.value();
        if format != FORMAT {
            return Err(FormatError::Version(format).into());
        }
        about.get("epoch")?.ok_or(FormatError::Foreign)?.value()
    };
    if is_new {
        Tables::open(&write)?;
        write.commit()?;
    }
    Ok(u32::try_from(epoch)?)
}

/// A number that tells one life of a store from every other.
pub(super) fn random_epoch() -> Result<u32, StoreFailure> {
    Ok(getrandom::u32()?)
}

/// Writes rows in one durable commit.
pub(super) fn commit(database: &Database, rows: Vec<Row>) -> Result<(), StoreFailure> {
    let write = database.begin_write()?;
    {
        let mut tables = Tables::open(&write)?;
        for row in rows {
            tables.apply(row)?;
        }
    }
    write.commit()?;
    Ok(())
}

struct Tables<'a> {
    groups: Table<'a, u64, &'static [u8]>,
    members: Table<'a, (u64, &'static str), &'static [u8]>,
    values: Table<'a, (u64, &'static str, &'static str), &'static [u8]>,
    calls: Table<'a, (u64, u64), &'static [u8]>,
    repeats: Table<'a, (u64, &'static str, [u8; 16]), &'static [u8]>,
}

impl<'a> Tables<'a> {
    fn open(write: &'a WriteTransaction) -> Result<Self, StoreFailure> {
        Ok(Self {
            groups: write.open_table(GROUPS)?,
            members: write.open_table(MEMBERS)?,
            values: write.open_table(VALUES)?,
            calls: write.open_table(CALLS)?,
            repeats: write.open_table(REPEATS)?,
        })
    }

    fn apply(&mut self, row: Row) -> Result<(), StoreFailure> {
        match row {
            Row::Group(group, row) => drop(self.groups.insert(group, &*encode(&row)?)?),
            Row::Member(group, node, row) => {
                drop(self.members.insert((group, node.as_str()), &*encode(&row)?)?);
            }
            Row::Value(group, node, key, row) => {
                drop(self.values.insert((group, node.as_str(), &*key), &*encode(&row)?)?);
            }
            Row::Call(group, call, batch) => {
                drop(self.calls.insert((group, call), &*encode(&CallRow::of(&batch))?)?);
            }
            Row::Repeat(group, node, digest, row) => {
                drop(self.repeats.insert((group, node.as_str(), digest), &*encode(&row)?)?);
            }
            Row::ForgetGroup(group) => drop(self.groups.remove(group)?),
            Row::DropRepeat(group, node, digest) => {
                drop(self.repeats.remove((group, node.as_str(), digest))?);
            }
            Row::DropCalls(group, end) => self.calls.retain_in((group, 0)..(group, end), |_, _| false)?,
            Row::DropMember(group, node) => self.drop_member(group, &node)?,
            Row::ClearGroup(group) => self.clear_group(group)?,
        }
        Ok(())
    }

    fn drop_member(&mut self, group: u64, node: &Id) -> Result<(), StoreFailure> {
        self.members.remove((group, node.as_str()))?;
        let mut keys = Vec::new();
        for row in self.values.range((group, node.as_str(), "")..)? {
            let (key, _) = row?;
            let (of_group, of_node, name) = key.value();
            if of_group != group || of_node != node.as_str() {
                break;
            }
            keys.push(name.to_owned());
        }
        for key in keys {
            self.values.remove((group, node.as_str(), key.as_str()))?;
        }
        Ok(())
    }

    fn clear_group(&mut self, group: u64) -> Result<(), StoreFailure> {
        // An empty text sorts before all others, so these ranges hold whole groups.
        let next = group + 1;
        self.members.retain_in((group, "")..(next, ""), |_, _| false)?;
        self.values.retain_in((group, "", "")..(next, "", ""), |_, _| false)?;
        self.calls.retain_in((group, 0)..(next, 0), |_, _| false)?;
        let repeats: RangeInclusive<_> = (group, "", [0; 16])..=(next, "", [0; 16]);
        self.repeats.retain_in(repeats, |_, _| false)?;
        Ok(())
    }
}

fn encode(row: &impl Serialize) -> Result<Vec<u8>, StoreFailure> {
    Ok(postcard::to_stdvec(row)?)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreFailure> {
    Ok(postcard::from_bytes(bytes)?)
}
