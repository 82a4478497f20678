//! The next log, while a fold writes it.

use std::io::Read;

use mesh_core::error::StoreFailure;

use super::log::{Log, RecordBytes};
use crate::folder::Folder;
use crate::rows::Row;

/// About the length of a record of many rows: nothing longer is held in memory.
const RECORD_BYTES: usize = 64 << 10;

/// A log that gets the rows of the state, and then what was written to the old log meanwhile.
pub(super) struct NextLog {
    pub(super) log: Log,
    /// Rows that are not written yet.
    record: RecordBytes,
    old: Box<dyn Read>,
    /// The place in the old log up to which everything is in this one.
    copied: u64,
}

impl NextLog {
    /// Begins with what the old log has from its present length on.
    ///
    /// # Errors
    ///
    /// If the old log cannot be read.
    pub(super) fn begin(log: Log, folder: &dyn Folder, old_length: u64) -> Result<Self, StoreFailure> {
        let old = folder.read_from(old_length)?;
        Ok(Self { log, record: RecordBytes::default(), old, copied: old_length })
    }

    /// Adds a row. It is not written yet.
    ///
    /// # Errors
    ///
    /// If it cannot be encoded, or those before it cannot be written.
    pub(super) fn push(&mut self, row: &Row) -> Result<(), StoreFailure> {
        self.record.push(row)?;
        self.write_if_long()
    }

    /// Writes all rows that were added.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub(super) fn write(&mut self) -> Result<(), StoreFailure> {
        self.log.append(&mut self.record)?;
        self.record.clear();
        Ok(())
    }

    /// The bytes that have to be copied of an old log of this length.
    pub(super) fn lag(&self, old_length: u64) -> u64 {
        old_length - self.copied
    }

    /// Copies everything up to a length of the old log.
    ///
    /// # Errors
    ///
    /// If the old log cannot be read, or this one not be written.
    pub(super) fn copy(&mut self, old_length: u64) -> Result<(), StoreFailure> {
        while self.copied < old_length {
            self.copied += self.record.push_record(&mut self.old)?;
            self.write_if_long()?;
        }
        self.write()
    }

    /// Gives the room on the disk back.
    pub(super) fn discard(&self) {
        if let Err(error) = self.log.file.truncate(0) {
            tracing::warn!(%error, "the log that a fold has begun cannot be emptied");
        }
    }

    fn write_if_long(&mut self) -> Result<(), StoreFailure> {
        if self.record.len() >= RECORD_BYTES {
            self.write()?;
        }
        Ok(())
    }
}
