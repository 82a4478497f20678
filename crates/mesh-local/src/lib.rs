//! The local home's [`Store`](mesh_core::store::Store): everything in memory, and a log on disk that survives `kill -9`.
//!
//! A change is made in memory under one lock, its rows go into the log, and it is answered after that. The answer of a
//! read waits for the rows of the changes that it may have seen. Messages leave through the outbox of their
//! group, in the order of the changes.
//!
//! ```
//! use std::sync::Arc;
//!
//! use mesh_core::model::MeshMessage;
//! use mesh_core::settings::Settings;
//! use mesh_local::{LocalSettings, LocalStore, Publisher, StoreMemory};
//!
//! struct Print;
//!
//! impl Publisher for Print {
//!     fn publish(&self, message: &MeshMessage) {
//!         println!("{message:?}");
//!     }
//! }
//!
//! let settings = LocalSettings {
//!     settings: Settings::default(),
//!     max_groups: 20_000,
//!     memory: StoreMemory { nodes: 512 << 20, events: 256 << 20, repeats: 128 << 20, ended_groups: 32 << 20 },
//! };
//! let store = LocalStore::in_memory(&settings, Arc::new(Print))?;
//! assert_eq!(store.counts().groups, 0);
//! # Ok::<(), mesh_core::error::StoreFailure>(())
//! ```

mod folder;
mod journal;
mod lock;
mod outbox;
pub mod private_file;
#[cfg(any(test, feature = "testing"))]
pub mod resident;
mod rows;
mod state;
mod sync;
mod sync_policy;
mod verbs;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mesh_core::clock::{Clock, Now};
use mesh_core::error::{Error, Result, StoreFailure};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::GroupRecord;
use mesh_core::settings::Settings;
use mesh_core::time::Timestamp;

pub use folder::is_in_use;
pub use journal::{CommitObserver, OpenError};
pub use lock::LockTimes;
pub use outbox::Publisher;
pub use state::{GroupView, NodeView, Overview, StoreCounts, StoreMemory};
pub use sync_policy::{ParseSyncPolicyError, SyncPolicy};

use folder::{DiskFolder, Folder};
use journal::{Journal, Ticket};
use lock::Shared;
use outbox::Outbox;
use state::{Changes, State};
use sync::Mutex;

/// The settings of a local store.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// Lifetimes, and limits of groups and domains.
    pub settings: Settings,
    /// The most groups in all domains.
    pub max_groups: usize,
    /// The most bytes of each kind.
    pub memory: StoreMemory,
}

/// A [`Store`](mesh_core::store::Store) inside this process.
pub struct LocalStore {
    shared: Shared,
    publisher: Arc<dyn Publisher>,
    /// `None` for a store that ends with its process.
    journal: Option<Arc<Journal>>,
    /// Outboxes whose task went away before its change was settled.
    pending: Mutex<Vec<Arc<Outbox>>>,
    /// How often publishing let others have the thread.
    yields: AtomicU64,
}

impl LocalStore {
    /// A store that ends with its process.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn in_memory(
        settings: &LocalSettings,
        publisher: Arc<dyn Publisher>,
    ) -> std::result::Result<Self, StoreFailure> {
        let state = State::new(settings, random_epoch()?);
        Ok(Self::new(Shared::new(state), publisher, None))
    }

    /// A store whose acknowledged changes survive the process, in the file `path` and files beside it, which are
    /// made if they are not there. `policy` says when they survive a power cut. `observer` is told how long
    /// each write took.
    ///
    /// # Errors
    ///
    /// If another process has the store open, or the file cannot be read or written.
    pub fn open(
        path: &Path,
        policy: SyncPolicy,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        publisher: Arc<dyn Publisher>,
        observer: CommitObserver,
    ) -> std::result::Result<Self, OpenError> {
        let folder = Box::new(DiskFolder::lock(path)?);
        Self::open_folder(path, folder, policy, settings, clock, publisher, observer)
    }

    fn open_folder(
        path: &Path,
        folder: Box<dyn Folder>,
        policy: SyncPolicy,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        publisher: Arc<dyn Publisher>,
        observer: CommitObserver,
    ) -> std::result::Result<Self, OpenError> {
        let (shared, journal) = journal::open(path, folder, policy, settings, clock, observer)?;
        Ok(Self::new(shared, publisher, Some(journal)))
    }

    fn new(shared: Shared, publisher: Arc<dyn Publisher>, journal: Option<Arc<Journal>>) -> Self {
        Self { shared, publisher, journal, pending: Mutex::default(), yields: AtomicU64::default() }
    }

    /// True while changes can be written. False from a failed write until as much was written for a trial, or by
    /// another call.
    pub fn can_commit(&self) -> bool {
        self.journal.as_ref().is_none_or(|journal| journal.can_write()) && !self.shared.lock().refuses
    }

    /// Counts of everything that is kept and that was dropped.
    pub fn counts(&self) -> StoreCounts {
        let counts = self.shared.lock().state.counts();
        let yields = self.yields.load(Ordering::Relaxed);
        StoreCounts { locked: self.shared.lock_times(), yields, ..counts }
    }

    /// All living groups. Of the `opened` one, or of one that is alone, also values: about `most_values`, the oldest
    /// first, of those that were reported after `known` says for this group.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn overview(
        &self,
        now: Now,
        opened: Option<&Id>,
        known: impl Fn(&Id) -> Option<Timestamp>,
        most_values: usize,
    ) -> Result<Overview> {
        let (ids, more_groups) = self.run(|state, _| Ok(state.oldest_groups(now))).await?;
        let opened = if let [only] = &*ids { Some(only) } else { opened.filter(|id| ids.contains(id)) };
        let mut overview = Overview { opened: opened.cloned(), more_groups, ..Overview::default() };
        for id in &ids {
            let is_opened = opened == Some(id);
            if let Some(glance) = self.run(|state, _| Ok(state.glance(now, id, is_opened))).await? {
                overview.push(glance, known(id), most_values);
            }
            tokio::task::yield_now().await;
        }
        Ok(overview)
    }

    /// The living group, if there is one alone in all domains.
    ///
    /// # Errors
    ///
    /// When the commit fails of what this answer may have seen.
    pub async fn only_group(&self, now: Now) -> Result<Option<GroupRecord>> {
        self.run(|state, _| Ok(state.only_group(now))).await
    }

    /// Ends a group for the teacher, who needs to be neither its host nor to know a secret.
    ///
    /// # Errors
    ///
    /// When there is no such group, or the change cannot be kept.
    pub async fn end_group(&self, now: Now, group: &GroupKey) -> Result<()> {
        self.change(|state, change| state.end_group(now, group, change)).await
    }

    /// Gives a member another name for the teacher.
    ///
    /// # Errors
    ///
    /// When there is no such group or member, or the change cannot be kept.
    pub async fn rename_node(&self, now: Now, group: &GroupKey, node: &Id, name: Arc<str>) -> Result<()> {
        self.change(|state, change| state.rename_node(now, group, node, name, change)).await
    }

    /// Gives the host the values of a member, so that they stay when the member leaves.
    ///
    /// # Errors
    ///
    /// When there is no such group or member, the host would hold too much, or the change cannot be kept.
    pub async fn leave_values_to_host(&self, now: Now, group: &GroupKey, node: &Id) -> Result<()> {
        self.change(|state, change| state.leave_values_to_host(now, group, node, change)).await
    }

    /// Takes a member out of a group for the teacher. Taking out the host ends the group.
    ///
    /// # Errors
    ///
    /// When there is no such group or member, or the change cannot be kept.
    pub async fn remove_node(&self, now: Now, group: &GroupKey, node: &Id) -> Result<()> {
        self.change(|state, change| state.remove_node(now, group, node, change)).await
    }

    /// Ends what time has ended and tells subscribers. To be called a few times a second.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the change could not be committed.
    pub async fn sweep(&self, now: Now) -> Result<()> {
        // Taken first: whatever they wait for is settled before this change is.
        let pending = Leaving { store: self, outboxes: std::mem::take(&mut *self.pending.lock()) };
        // It writes little, and makes room.
        let swept = self.run(|state, change| {
            state.sweep(now, change);
            Ok(())
        });
        swept.await?;
        pending.leave().await;
        Ok(())
    }

    /// Writes what is left and closes the log. Later calls are refused.
    pub fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }

    /// Makes a change once the log has room for it, and answers once it is durable and its news has left.
    async fn change<T>(&self, make: impl FnOnce(&mut State, &mut Changes) -> Result<T>) -> Result<T> {
        if let Some(journal) = &self.journal {
            journal.await_room().await;
        }
        self.run(make).await
    }

    /// Makes a change that the log always has room for, or none, and answers as a change does.
    async fn run<T>(&self, make: impl FnOnce(&mut State, &mut Changes) -> Result<T>) -> Result<T> {
        let begun = self.begin(make)?;
        if let (Some(ticket), Some(journal)) = (begun.ticket, &self.journal)
            && !journal.settle(ticket).await
        {
            return Err(Error::Store("the commit failed".into()));
        }
        begun.news.leave().await;
        begun.result
    }

    /// The part of a change that happens under the state's lock.
    fn begin<T>(&self, make: impl FnOnce(&mut State, &mut Changes) -> Result<T>) -> Result<Begun<'_, T>> {
        let mut change = Changes::default();
        let mut opened = self.shared.lock();
        if opened.refuses {
            return Err(Error::Store("the store refuses calls until it can be written again".into()));
        }
        // Even a refused call may have seen changes that are not durable, and may have removed expired groups.
        let result = make(&mut opened.state, &mut change);
        let outboxes = change.messages.iter().map(|(outbox, _)| outbox.clone()).collect();
        let ticket = if let Some(journal) = &self.journal {
            journal.submit(&change.rows, change.messages)
        } else {
            Outbox::post(change.messages);
            None
        };
        Ok(Begun { result, ticket, news: Leaving { store: self, outboxes } })
    }
}

/// A change that was made and is not answered yet.
struct Begun<'a, T> {
    result: Result<T>,
    /// The batch that its answer waits for.
    ticket: Option<Ticket>,
    news: Leaving<'a>,
}

/// Outboxes whose news leaves once a change is durable. The change's task may go away while it waits
/// (its client hung up); then the next sweep lets the news leave.
struct Leaving<'a> {
    store: &'a LocalStore,
    outboxes: Vec<Arc<Outbox>>,
}

impl Leaving<'_> {
    async fn leave(mut self) {
        while let Some(outbox) = self.outboxes.last() {
            while outbox.flush(&*self.store.publisher) {
                self.store.yields.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            self.outboxes.pop();
        }
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.outboxes.is_empty() {
            self.store.pending.lock().append(&mut self.outboxes);
        }
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// A number that tells one epoch of cursors from every other.
fn random_epoch() -> std::result::Result<u32, StoreFailure> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
