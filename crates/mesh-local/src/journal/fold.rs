//! Folding the log: a new one with the rows of today takes its place.
//!
//! The state goes on changing meanwhile. It is read group by group, and everything that was written since the
//! fold began is copied behind it, out of the old log. Later rows win, so it does no harm that a row may have been
//! read in its newer form already.
//!
//! Calls that write faster than the disk does would leave the fold behind for ever. So the log has a bound, at which
//! changes wait for the end of the fold. A fold that fails is tried again when the log has grown; one that fails at
//! the bound is a disk that does not work.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::error::StoreFailure;

use super::log::Log;
use super::next::NextLog;
use super::{Fold, Journal, Writing, caught};
use crate::rows::Row;
use crate::sync::MutexGuard;
use crate::sync::thread::Builder;

/// A log is folded when it is this many times as long as the rows of the state were at the last fold.
const GROWTH: u64 = 2;
/// The most bytes that are copied while calls wait.
const COPIED_AT_ONCE: u64 = 256 << 10;
/// A fold that fails is tried so often before the log is as long as it may be.
const TRIES: u64 = 4;

/// The lengths of a log at which something is done.
pub(super) struct Bounds {
    /// It is folded.
    fold_at: u64,
    /// Changes wait for the fold. Those under way then are written, so it can be a little longer.
    most: u64,
    /// By so much `fold_at` rises when a fold has failed.
    step: u64,
}

impl Bounds {
    /// Of a state whose rows have so many bytes. A log that is shorter than `least` is never folded.
    pub(super) fn of(state: u64, least: u64) -> Self {
        let fold_at = (state * GROWTH).max(least);
        let growth = state.max(least);
        Self { fold_at, most: fold_at + growth, step: growth.div_ceil(TRIES) }
    }

    fn postpone(&mut self, length: u64) {
        self.fold_at = (length + self.step).min(self.most);
    }
}

impl Journal {
    /// Begins a fold if the log is long, and lets changes wait for it if the log is as long as it may be.
    pub(super) fn fold_if_long(self: &Arc<Self>, writing: &mut Writing) {
        if writing.log.length < writing.bounds.fold_at {
            return;
        }
        self.start_fold(writing);
        if writing.log.length >= writing.bounds.most && writing.fold != Fold::None {
            self.is_full.send_replace(true);
        }
    }

    /// Waits while the log is as long as it may be and a fold is under way.
    pub(crate) async fn await_room(&self) {
        if *self.is_full.borrow() {
            // The sender is here, so this cannot fail.
            let _ = self.is_full.subscribe().wait_for(|is_full| !is_full).await;
        }
    }

    /// Folds on a thread of its own, if that is possible now.
    fn start_fold(self: &Arc<Self>, writing: &mut Writing) {
        if !self.work.is_stopping() && writing.begin_fold() {
            let journal = self.clone();
            // A fold reports its own failure.
            let run = move || drop(journal.run_fold());
            match Builder::new().name("mesh-fold".into()).spawn(run) {
                Ok(thread) => *self.folding.lock() = Some(thread),
                Err(error) => self.end_fold(writing, &Err(error.into())),
            }
        }
    }

    /// Folds now, unless a fold is under way, and waits for it.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn fold_now(self: &Arc<Self>) {
        self.start_fold(&mut self.writing.lock());
        self.await_fold();
    }

    #[cfg(test)]
    pub(crate) fn is_folding(&self) -> bool {
        self.writing.lock().fold != Fold::None
    }

    /// Runs a fold that was begun.
    pub(super) fn run_fold(&self) -> Result<(), StoreFailure> {
        let folded = caught(|| self.fold());
        self.end_fold(&mut self.writing.lock(), &folded);
        folded
    }

    fn end_fold(&self, writing: &mut Writing, folded: &Result<(), StoreFailure>) {
        writing.fold = Fold::None;
        if let Err(error) = folded {
            writing.bounds.postpone(writing.log.length);
            tracing::warn!(%error, "the log could not be folded");
            if writing.log.length >= writing.bounds.most {
                tracing::error!(
                    "the log may not grow any more; the store refuses everything until it is folded"
                );
                self.shared.lock().refuses = true;
                self.work.rewrite();
            }
        }
        self.is_full.send_replace(false);
    }

    /// Writes the next log and puts it in the place of the log.
    fn fold(&self) -> Result<(), StoreFailure> {
        let log = Log::begin(self.folder.create_next()?)?;
        // From here on changes are in the old log, those before are in the state.
        let old_length = self.folding()?.log.length;
        let mut next = NextLog::begin(log, &*self.folder, old_length)?;
        let folded = self.append_state(&mut next).and_then(|()| {
            let state_bytes = next.log.length;
            self.catch_up(&mut next, state_bytes)
        });
        if folded.is_err() {
            next.discard();
        }
        folded
    }

    /// Appends rows for everything in the state, in steps that hold its lock shortly.
    fn append_state(&self, next: &mut NextLog) -> Result<(), StoreFailure> {
        next.push(&Row::Session(self.session.clone()))?;
        let mut walk = self.shared.lock().state.walk();
        loop {
            let rows = self.shared.lock().state.walk_on(&mut walk);
            let Some(rows) = rows else { return next.write() };
            rows.iter().try_for_each(|row| next.push(row))?;
        }
    }

    /// Copies what was written meanwhile, until little is left.
    fn catch_up(&self, next: &mut NextLog, state_bytes: u64) -> Result<(), StoreFailure> {
        loop {
            let is_near = next.lag(self.folding()?.log.length) <= COPIED_AT_ONCE;
            // Nothing is flushed beside this, so what is on the disk in the old log is so in the next one, too.
            let flushing = is_near.then(|| self.flushing.lock());
            let old_length = self.folding()?.log.length;
            next.copy(old_length)?;
            next.log.sync()?;
            let mut writing = self.folding()?;
            if flushing.is_some() && next.lag(writing.log.length) <= COPIED_AT_ONCE {
                return self.replace(&mut writing, next, state_bytes);
            }
        }
    }

    /// Swaps the logs. Calls wait for this, but for no flush unless they always do.
    fn replace(
        &self,
        writing: &mut Writing,
        next: &mut NextLog,
        state_bytes: u64,
    ) -> Result<(), StoreFailure> {
        next.copy(writing.log.length)?;
        // Says that everything before it is on the disk.
        next.push(&Row::Session(self.session.clone()))?;
        next.write()?;
        if self.session.always_synced {
            next.log.sync()?;
        }
        self.folder.replace()?;
        writing.log = next.log.clone();
        writing.bounds = Bounds::of(state_bytes, self.folder.least_fold());
        writing.name_unsynced = true;
        if !self.session.always_synced {
            self.work.sync_within(Duration::ZERO);
        }
        Ok(())
    }

    /// What a fold has to know of the log. An error if it may have read changes that were refused since.
    fn folding(&self) -> Result<MutexGuard<'_, Writing>, StoreFailure> {
        let writing = self.writing.lock();
        if writing.fold == Fold::Interrupted {
            Err("a failed write interrupts it".into())
        } else {
            Ok(writing)
        }
    }
}
