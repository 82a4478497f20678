//! The thread that makes changes durable: it writes whatever gathered while the last commit ran, in
//! one commit, in the order of the changes.

use std::time::{Duration, Instant};

use mesh_core::error::StoreFailure;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::outbox::{Outbox, Outgoing};
use crate::rows::Row;

/// What goes into one commit, what may leave after it, and who waits for it.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    news: Vec<Outgoing>,
    waiters: Vec<oneshot::Sender<bool>>,
}

#[derive(Default)]
struct Queue {
    next: Batch,
    /// Whether a batch was taken and is not settled yet.
    running: bool,
    stopping: bool,
}

/// The journal's queue, shared by the tasks that fill it and the thread that empties it.
#[derive(Default)]
pub(super) struct Journal {
    queue: Mutex<Queue>,
    filled: Condvar,
}

/// What the thread does with a batch, and after a failure.
pub(super) trait Writer: Send + 'static {
    /// Commits rows.
    fn commit(&mut self, rows: Vec<Row>) -> Result<(), StoreFailure>;

    /// Told how long each commit took.
    fn committed(&self, took: Duration);

    /// After a failed commit: from now on the store refuses everything, so that nobody sees a change
    /// that was refused.
    fn close_store(&mut self);

    /// Goes back to what is durable and opens the store again. Called until it succeeds.
    fn reopen_store(&mut self) -> Result<(), StoreFailure>;
}

/// How long to wait before trying again to read back a store that failed.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

impl Journal {
    /// Takes a change. The receiver tells whether all that was submitted so far was committed; there
    /// is none if nothing is under way. Called under the state's lock, which makes the order of the
    /// rows that of the changes.
    pub(super) fn submit(&self, rows: Vec<Row>, news: Vec<Outgoing>) -> Option<oneshot::Receiver<bool>> {
        let mut queue = self.queue.lock();
        if rows.is_empty() && news.is_empty() && queue.next.waiters.is_empty() && !queue.running {
            return None;
        }
        queue.next.rows.extend(rows);
        queue.next.news.extend(news);
        let (sender, receiver) = oneshot::channel();
        queue.next.waiters.push(sender);
        if queue.next.waiters.len() == 1 {
            self.filled.notify_one();
        }
        Some(receiver)
    }

    /// Ends the thread once everything submitted is committed.
    pub(super) fn stop(&self) {
        self.queue.lock().stopping = true;
        self.filled.notify_one();
    }

    /// The thread's work: commits until [`Self::stop`].
    pub(super) fn run(&self, mut writer: impl Writer) {
        while let Some(batch) = self.take() {
            let began = Instant::now();
            let result = if batch.rows.is_empty() { Ok(()) } else { writer.commit(batch.rows) };
            match result {
                Ok(()) => {
                    writer.committed(began.elapsed());
                    Outbox::post(batch.news);
                    self.settle(batch.waiters, true);
                }
                Err(error) => self.fail(&mut writer, batch.waiters, &error),
            }
        }
    }

    fn take(&self) -> Option<Batch> {
        let mut queue = self.queue.lock();
        while queue.next.waiters.is_empty() && !queue.stopping {
            self.filled.wait(&mut queue);
        }
        if queue.next.waiters.is_empty() {
            return None;
        }
        queue.running = true;
        Some(std::mem::take(&mut queue.next))
    }

    fn settle(&self, waiters: Vec<oneshot::Sender<bool>>, committed: bool) {
        self.queue.lock().running = false;
        for waiter in waiters {
            // Who no longer waits has gone away.
            let _ = waiter.send(committed);
        }
    }

    /// Refuses the failed batch and everything that was taken on top of it, then goes back to what is
    /// durable.
    fn fail(&self, writer: &mut impl Writer, mut waiters: Vec<oneshot::Sender<bool>>, error: &StoreFailure) {
        tracing::error!(%error, "the store could not write; it refuses everything until it can be read back");
        writer.close_store();
        let refused = std::mem::take(&mut self.queue.lock().next);
        waiters.extend(refused.waiters);
        self.settle(waiters, false);
        while let Err(error) = writer.reopen_store() {
            tracing::error!(%error, "the store cannot be read back yet");
            let mut queue = self.queue.lock();
            if queue.stopping {
                return;
            }
            self.filled.wait_for(&mut queue, REOPEN_AFTER);
        }
        tracing::info!("the store was read back and works again");
    }
}
