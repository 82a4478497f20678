//! The journal's thread: it flushes the log, writes batches if every one is flushed, and repairs failures.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mesh_core::error::StoreFailure;

use super::{Journal, caught, open};
use crate::state::State;
use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::{Condvar, Mutex};

/// The pause before a failed repair is tried again.
const REPAIR_AFTER: Duration = Duration::from_millis(500);

/// The work that waits for the thread.
#[derive(Default)]
pub(super) struct Work {
    pending: Mutex<Pending>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Pending {
    commit: bool,
    sync_at: Option<Instant>,
    /// The repairs that are asked for, the first one first.
    repairs: BTreeSet<Repair>,
    stopping: bool,
}

impl Pending {
    /// The repair that goes before everything else. Calls wait for a commit, and a repair may fail for as long as the
    /// disk is full. Only a reload goes before a commit: the failure that asks for it has refused all calls that waited.
    fn due_repair(&self) -> Option<Repair> {
        let first = *self.repairs.first()?;
        let can_wait = self.stopping || (self.commit && first != Repair::Reload);
        (!can_wait).then_some(first)
    }
}

/// The repair after a failure, in the order in which they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Repair {
    /// A batch was refused: the state is read back from the log. Refused changes must not be written anew.
    Reload,
    /// A flush failed, or a fold of a log that may not grow: the log is written anew from the state.
    Rewrite,
    /// A batch was refused, and the state is read back: as much is written once more, for nothing.
    Probe,
}

enum Task {
    Commit,
    Sync,
    Repair(Repair),
    Stop,
}

impl Work {
    /// Asks for the next batch to be written.
    pub(super) fn commit(&self) {
        let mut pending = self.pending.lock();
        if !std::mem::replace(&mut pending.commit, true) {
            self.changed.notify_one();
        }
    }

    /// Asks for a flush, at the latest after this time.
    pub(super) fn sync_within(&self, time: Duration) {
        let at = Instant::now() + time;
        let mut pending = self.pending.lock();
        if pending.sync_at.is_none_or(|earlier| at < earlier) {
            pending.sync_at = Some(at);
            self.changed.notify_one();
        }
    }

    /// Asks for the state to be read back.
    pub(super) fn reload(&self) {
        self.repair(Repair::Reload);
    }

    /// Asks for the log to be written anew.
    pub(super) fn rewrite(&self) {
        self.repair(Repair::Rewrite);
    }

    fn repair(&self, repair: Repair) {
        self.pending.lock().repairs.insert(repair);
        self.changed.notify_one();
    }

    /// True once the thread is to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.pending.lock().stopping
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        self.pending.lock().stopping = true;
        self.changed.notify_one();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // Its panics are caught and reported.
            let _ = thread.join();
        }
    }

    fn next(&self) -> Task {
        let mut pending = self.pending.lock();
        loop {
            if let Some(repair) = pending.due_repair() {
                // Should it be asked for once more from now on, it is done once more.
                pending.repairs.remove(&repair);
                return Task::Repair(repair);
            }
            if std::mem::take(&mut pending.commit) {
                return Task::Commit;
            }
            if pending.stopping {
                return Task::Stop;
            }
            match pending.sync_at {
                None => self.changed.wait(&mut pending),
                Some(at) if at <= Instant::now() => {
                    pending.sync_at = None;
                    return Task::Sync;
                }
                Some(at) => {
                    self.changed.wait_until(&mut pending, at);
                }
            }
        }
    }

    /// Tries a repair again after a while.
    fn retry(&self, repair: Repair) {
        let mut pending = self.pending.lock();
        pending.repairs.insert(repair);
        if pending.due_repair().is_some() {
            self.changed.wait_for(&mut pending, REPAIR_AFTER);
        }
    }
}

impl Journal {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub(super) fn start_thread(self: &Arc<Self>) -> std::io::Result<()> {
        let journal = self.clone();
        let run = move || {
            if catch_unwind(AssertUnwindSafe(|| journal.run())).is_err() {
                unrecoverable("a panic in the thread that writes it");
            }
        };
        let thread = Builder::new().name("mesh-journal".into()).spawn(run)?;
        *self.work.thread.lock() = Some(thread);
        Ok(())
    }

    fn run(self: &Arc<Self>) {
        loop {
            match self.work.next() {
                Task::Commit => self.write(&mut self.writing.lock()),
                Task::Sync => self.sync_or_refuse(),
                Task::Repair(repair) => {
                    let result = caught(|| match repair {
                        Repair::Reload => self.reload(),
                        Repair::Rewrite => self.rewrite(),
                        Repair::Probe => self.probe(),
                    });
                    match result {
                        Ok(()) if repair == Repair::Reload => self.work.repair(Repair::Probe),
                        Ok(()) => tracing::info!("the store works again"),
                        Err(error) => {
                            tracing::error!(%error, "the store does not work again yet");
                            self.work.retry(repair);
                        }
                    }
                }
                Task::Stop => return,
            }
        }
    }

    /// Flushes the log. Calls go on meanwhile: the lock is not held.
    pub(crate) fn sync(&self) -> Result<(), StoreFailure> {
        let _flushing = self.flushing.lock();
        let (file, length, name_unsynced) = {
            let mut writing = self.writing.lock();
            let name_unsynced = std::mem::take(&mut writing.name_unsynced);
            (writing.log.file.clone(), writing.log.length, name_unsynced)
        };
        let synced = caught(|| {
            file.sync()?;
            if name_unsynced { Ok(self.folder.sync()?) } else { Ok(()) }
        });
        let mut writing = self.writing.lock();
        writing.name_unsynced |= name_unsynced && synced.is_err();
        if synced.is_ok() && Arc::ptr_eq(&file, &writing.log.file) {
            writing.log.durable = writing.log.durable.max(length);
        }
        synced
    }

    /// Flushes the log. After a failure the kernel may have dropped what it had, so the log is written anew.
    pub(crate) fn sync_or_refuse(&self) {
        if let Err(error) = self.sync() {
            tracing::error!(%error, "the disk did not take the log; the store refuses everything until it does");
            self.shared.lock().refuses = true;
            self.work.rewrite();
        }
    }

    /// Goes back to what is in the log.
    fn reload(&self) -> Result<(), StoreFailure> {
        let mut writing = self.writing.lock();
        let length = writing.log.length;
        writing.log.file.truncate(length)?;
        self.sync_log(&mut writing)?;
        let bytes = self.folder.read()?.unwrap_or_default();
        let read = match open::read(&bytes, self.folder.boot_id().as_deref()) {
            Ok(read) if read.length == length => read,
            Ok(_) => unrecoverable("it has not the length that was written"),
            Err(error) => unrecoverable(&error),
        };
        let mut state = State::load(&self.settings, self.clock.now(), self.session.epoch, read.rows);
        let mut guarded = self.shared.lock();
        std::mem::swap(&mut guarded.state, &mut state);
        guarded.state.carry_over(state);
        guarded.refuses = false;
        writing.refused = false;
        Ok(())
    }

    /// Writes as much as could not be written, and cuts it off again. A start after a crash in between takes it for a
    /// torn write.
    fn probe(&self) -> Result<(), StoreFailure> {
        let mut writing = self.writing.lock();
        let Some(size) = writing.failed else { return Ok(()) };
        let written = writing.log.file.append(&vec![0; size]);
        let length = writing.log.length;
        writing.log.file.truncate(length)?;
        written?;
        writing.failed = None;
        self.can_write.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the log anew from the state, which holds nothing that was refused.
    fn rewrite(&self) -> Result<(), StoreFailure> {
        self.await_fold();
        if !self.writing.lock().begin_fold() {
            return Err("another fold has begun, or a write has failed".into());
        }
        self.run_fold()?;
        let writing = self.writing.lock();
        // A write that fails now is repaired by reading the state back.
        self.shared.lock().refuses = writing.refused;
        Ok(())
    }
}

/// Ends the process: its state holds refused changes, and there is nothing to go back to.
fn unrecoverable(reason: impl std::fmt::Display) -> ! {
    tracing::error!(%reason, "the log cannot be used any more; the server ends");
    std::process::exit(74)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_a_repair_that_may_fail() {
        for repair in [Repair::Rewrite, Repair::Probe] {
            let work = Work::default();
            work.repair(repair);
            work.commit();
            assert!(matches!(work.next(), Task::Commit), "{repair:?}");
            assert!(matches!(work.next(), Task::Repair(next) if next == repair));
            work.commit();
            work.reload();
            assert!(matches!(work.next(), Task::Repair(Repair::Reload)));
        }
    }
}
