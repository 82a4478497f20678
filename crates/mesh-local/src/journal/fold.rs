//! Folding the log: a new one with the rows of today takes its place.
//!
//! The state goes on changing meanwhile. It is read group by group, and everything that was written since the
//! fold began is copied behind it. Later rows win, so it does no harm that a row may have been read in its
//! newer form already.

use std::sync::Arc;

use mesh_core::error::StoreFailure;

use super::log::{Log, RecordBytes};
use super::{Journal, Writing, caught};
use crate::rows::Row;
use crate::sync::thread::Builder;

/// A log is never folded below this length.
pub(super) const LEAST_BYTES: u64 = 8 << 20;
/// A log is folded when it is this many times as long as after the last fold.
const GROWTH: u64 = 2;
/// The most bytes that are copied while calls wait.
const COPIED_AT_ONCE: usize = 64 << 10;

/// The length at which a log is folded next that is this long after a fold.
pub(super) fn fold_at(length: u64) -> u64 {
    (length * GROWTH).max(LEAST_BYTES)
}

impl Journal {
    /// Folds on a thread of its own.
    pub(super) fn start_fold(self: &Arc<Self>, writing: &mut Writing) {
        if writing.is_folding {
            // One that a failed write interrupted is still ending.
            return;
        }
        let journal = self.clone();
        let run = move || {
            let folded = caught(|| journal.fold());
            let mut writing = journal.writing.lock();
            writing.is_folding = false;
            if let Err(error) = folded {
                tracing::warn!(%error, "the log could not be folded; it is tried again when it has grown");
                writing.since_fold = None;
            }
        };
        match Builder::new().name("mesh-fold".into()).spawn(run) {
            Ok(thread) => {
                writing.is_folding = true;
                writing.since_fold = Some(Vec::new());
                *self.folding.lock() = Some(thread);
            }
            Err(error) => tracing::warn!(%error, "there is no thread to fold the log"),
        }
    }

    /// Folds now, unless a fold is under way, and waits for it.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn fold_now(self: &Arc<Self>) {
        self.start_fold(&mut self.writing.lock());
        self.await_fold();
    }

    /// Writes the next log and puts it in the place of the log. Records are being collected in `since_fold`.
    pub(super) fn fold(self: &Arc<Self>) -> Result<(), StoreFailure> {
        let mut next = Log::begin(self.folder.create_next()?)?;
        self.append_state(&mut next)?;
        loop {
            let copies = {
                let mut writing = self.writing.lock();
                let copies = writing.since_fold.as_mut().ok_or("a failed write interrupts it")?;
                let bytes: usize = copies.iter().map(RecordBytes::len).sum();
                if bytes <= COPIED_AT_ONCE && next.durable > 0 {
                    return self.replace(&mut writing, next);
                }
                std::mem::take(copies)
            };
            for mut record in copies {
                next.append(&mut record)?;
            }
            next.sync()?;
        }
    }

    /// Swaps the logs. Calls wait for this, but for no flush unless they always do.
    fn replace(&self, writing: &mut Writing, mut next: Log) -> Result<(), StoreFailure> {
        for record in writing.since_fold.as_mut().into_iter().flatten() {
            next.append(record)?;
        }
        // Says that everything before it is on the disk.
        next.append(&mut RecordBytes::of(&[Row::Session(self.session.clone())])?)?;
        self.folder.replace()?;
        writing.fold_at = fold_at(next.length);
        writing.log = next;
        writing.since_fold = None;
        writing.name_unsynced = true;
        if self.session.always_synced {
            return self.sync_log(writing);
        }
        // The few records copied last were perhaps on the disk in the old log.
        self.work.sync_within(std::time::Duration::ZERO);
        Ok(())
    }

    /// Appends rows for everything in the state, in steps that hold its lock shortly.
    fn append_state(&self, next: &mut Log) -> Result<(), StoreFailure> {
        next.append(&mut RecordBytes::of(&[Row::Session(self.session.clone())])?)?;
        let mut walk = self.shared.lock().state.walk();
        loop {
            let rows = self.shared.lock().state.walk_on(&mut walk);
            let Some(rows) = rows else { return Ok(()) };
            next.append(&mut RecordBytes::of(&rows)?)?;
        }
    }
}
