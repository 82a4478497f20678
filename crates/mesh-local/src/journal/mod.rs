//! Durability: every change is in the kernel's hands before it is answered, so it survives the process.
//!
//! A call adds its rows to the next batch while it holds the state's lock. Then it writes that batch itself, with
//! everything that others added meanwhile, in one write. A thread flushes the log to the disk from time to
//! time; with [`SyncPolicy::Always`] it also writes the batches, and calls wait for it.

mod fold;
pub(crate) mod log;
mod next;
mod open;
mod thread;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mesh_core::clock::Clock;
use mesh_core::error::StoreFailure;
use tokio::sync::watch;

use crate::LocalSettings;
use crate::folder::Folder;
use crate::lock::Shared;
use crate::outbox::{Outbox, Outgoing};
use crate::rows::{Row, SessionRow};
use crate::sync::Mutex;
use crate::sync::thread::JoinHandle;
use crate::sync_policy::SyncPolicy;
use fold::Bounds;
use log::{Log, RecordBytes};
pub use open::OpenError;
pub(crate) use open::open;
use thread::Work;

/// Observes how long each write of the log took.
pub type CommitObserver = Box<dyn Fn(Duration) + Send + Sync>;

/// The outcome of a batch: `None` until it is written or refused.
type Outcome = Option<bool>;

/// A batch that a call waits for.
pub(super) struct Ticket(watch::Receiver<Outcome>);

/// Rows that are written together, and messages that are published after that.
#[derive(Default)]
struct Batch {
    rows: RecordBytes,
    messages: Vec<Outgoing>,
    /// A row that could not be encoded.
    failure: Option<StoreFailure>,
    outcome: watch::Sender<Outcome>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.messages.is_empty() && self.failure.is_none()
    }
}

/// The batch that is filled, and the one that is being written.
#[derive(Default)]
struct Batches {
    next: Batch,
    in_flight: Option<watch::Receiver<Outcome>>,
}

/// The log, and what is done to it.
struct Writing {
    log: Log,
    bounds: Bounds,
    fold: Fold,
    /// True if the log was replaced and its name may not be on the disk yet.
    name_unsynced: bool,
    closed: bool,
    /// True while the state may hold changes that were refused, until it is read back.
    refused: bool,
    /// The size of the write that failed last, until one succeeds.
    failed: Option<usize>,
}

impl Writing {
    /// Says that a fold is under way. Returns false if there can be none now.
    fn begin_fold(&mut self) -> bool {
        let can_begin = self.fold == Fold::None && !self.refused && !self.closed;
        if can_begin {
            self.fold = Fold::UnderWay;
        }
        can_begin
    }
}

/// The fold of a log. At most one is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    None,
    UnderWay,
    /// A write failed, so it may have read changes that were refused. It will end without effect.
    Interrupted,
}

/// Writes the changes of a store. Locks are taken in this order: `flushing`, `writing`, the state,
/// `batches`, `work`.
pub(super) struct Journal {
    shared: Shared,
    folder: Box<dyn Folder>,
    policy: SyncPolicy,
    settings: LocalSettings,
    clock: Arc<dyn Clock>,
    session: SessionRow,
    observer: CommitObserver,
    writing: Mutex<Writing>,
    /// False from a failed write until one of that size succeeds.
    can_write: AtomicBool,
    /// Held by the thread while it flushes the log, and by a fold from its last flush to the end.
    flushing: Mutex<()>,
    /// True while the log is as long as it may be and a fold is under way, for which changes wait.
    is_full: watch::Sender<bool>,
    batches: Mutex<Batches>,
    work: Work,
    folding: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Adds a call's rows and messages to the next batch. Returns `None` if the call has changed nothing and has
    /// seen nothing that is not written yet. Called under the state's lock, so that rows are in the order of changes.
    pub(super) fn submit(&self, rows: &[Row], messages: Vec<Outgoing>) -> Option<Ticket> {
        let mut batches = self.batches.lock();
        if rows.is_empty() && messages.is_empty() && batches.next.is_empty() {
            let in_flight = batches.in_flight.as_ref().filter(|outcome| outcome.borrow().is_none());
            return in_flight.cloned().map(Ticket);
        }
        let next = &mut batches.next;
        if let Err(error) = rows.iter().try_for_each(|row| next.rows.push(row)) {
            next.failure = Some(error);
        }
        next.messages.extend(messages);
        let ticket = Ticket(next.outcome.subscribe());
        drop(batches);
        if self.policy == SyncPolicy::Always {
            self.work.commit();
        }
        Some(ticket)
    }

    /// Waits until a batch is written. Returns false if it was refused.
    pub(super) async fn settle(self: &Arc<Self>, mut ticket: Ticket) -> bool {
        if self.policy == SyncPolicy::Always {
            let outcome = ticket.0.wait_for(Option::is_some).await;
            return outcome.is_ok_and(|outcome| *outcome == Some(true));
        }
        let mut writing = self.writing.lock();
        if ticket.0.borrow().is_none() {
            self.write(&mut writing);
        }
        *ticket.0.borrow_and_update() == Some(true)
    }

    /// True while nothing speaks against the next write.
    pub(super) fn can_write(&self) -> bool {
        self.can_write.load(Ordering::Relaxed)
    }

    /// Writes the next batch. After a failure nobody may see the changes that were refused.
    fn write(self: &Arc<Self>, writing: &mut Writing) {
        let mut batch = {
            let mut batches = self.batches.lock();
            if batches.next.is_empty() {
                return;
            }
            let batch = std::mem::take(&mut batches.next);
            batches.in_flight = Some(batch.outcome.subscribe());
            batch
        };
        let began = Instant::now();
        let result = caught(|| {
            self.append(writing, &mut batch)?;
            (self.observer)(began.elapsed());
            Ok(())
        });
        match result {
            Ok(()) => {
                if writing.failed.take().is_some() {
                    self.can_write.store(true, Ordering::Relaxed);
                }
                Outbox::post(batch.messages);
                batch.outcome.send_replace(Some(true));
                self.written(writing);
            }
            Err(error) => {
                tracing::error!(%error, "the store could not write; it refuses everything until it can be read back");
                let mut guarded = self.shared.lock();
                guarded.refuses = true;
                let refused = std::mem::take(&mut self.batches.lock().next);
                drop(guarded);
                writing.refused = true;
                if writing.fold == Fold::UnderWay {
                    writing.fold = Fold::Interrupted;
                }
                writing.failed = Some(batch.rows.len());
                self.can_write.store(false, Ordering::Relaxed);
                refused.outcome.send_replace(Some(false));
                batch.outcome.send_replace(Some(false));
                self.work.reload();
            }
        }
        self.batches.lock().in_flight = None;
    }

    fn append(&self, writing: &mut Writing, batch: &mut Batch) -> Result<(), StoreFailure> {
        if let Some(failure) = batch.failure.take() {
            return Err(failure);
        }
        if writing.closed {
            return Err("the store is closed".into());
        }
        let before = writing.log.length;
        writing.log.append(&mut batch.rows)?;
        if self.policy == SyncPolicy::Always
            && let Err(error) = self.sync_log(writing)
        {
            writing.log.length = before;
            return Err(error);
        }
        Ok(())
    }

    /// Makes the log survive a power cut, its name included.
    fn sync_log(&self, writing: &mut Writing) -> Result<(), StoreFailure> {
        writing.log.sync()?;
        if writing.name_unsynced {
            self.folder.sync()?;
            writing.name_unsynced = false;
        }
        Ok(())
    }

    /// What follows a write: it is flushed after a while, and a long log is folded.
    fn written(self: &Arc<Self>, writing: &mut Writing) {
        if let SyncPolicy::Within(time) = self.policy {
            self.work.sync_within(time);
        }
        self.fold_if_long(writing);
    }

    /// Waits until no fold is under way.
    pub(crate) fn await_fold(&self) {
        // The lock is not held meanwhile.
        let fold = self.folding.lock().take();
        if let Some(fold) = fold {
            // A fold reports its own failure.
            let _ = fold.join();
        }
    }

    /// Writes what is left, and closes the log. Later calls are refused.
    pub(super) fn close(self: &Arc<Self>) {
        self.shared.lock().refuses = true;
        self.work.stop();
        // Whoever has this lock may have begun a fold before the stop.
        drop(self.writing.lock());
        self.await_fold();
        let mut writing = self.writing.lock();
        if writing.closed {
            return;
        }
        self.write(&mut writing);
        let closed = caught(|| {
            self.sync_log(&mut writing)?;
            writing.log.append(&mut RecordBytes::of(&[Row::Closed])?)?;
            self.sync_log(&mut writing)
        });
        writing.closed = true;
        if let Err(error) = closed {
            tracing::warn!(%error, "the log could not be closed; the next start reads it as after a crash");
        }
    }
}

/// Makes an error of a panic, so that it is a failed write like any other.
fn caught<T>(act: impl FnOnce() -> Result<T, StoreFailure>) -> Result<T, StoreFailure> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err("a panic while writing".into()))
}
