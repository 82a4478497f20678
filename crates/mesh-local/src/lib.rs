//! The local home's [`Store`]: everything in memory, and a journal on disk that survives `kill -9`.
//!
//! A change is made in memory under one lock, its rows go to the journal, and its answer
//! leaves once they are durable; so does the answer of a read, which may have seen changes that are
//! not durable yet. Messages leave through the outbox of its group, in the order of the changes.

mod disk;
mod journal;
mod outbox;
pub mod private_file;
mod rows;
mod state;
mod tables;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use mesh_core::clock::{Clock, Now};
use mesh_core::cursor::Since;
use mesh_core::error::{Error, Result, StoreFailure};
use mesh_core::hex::Hex;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::{Event, GroupRecord, MeshMessage, MessageFields, NodeRecord, NodeStatus, SensorData};
use mesh_core::secret::Caller;
use mesh_core::settings::Settings;
use mesh_core::store::{EventPage, JoinedNode, NewBatch, NewGroup, NewMember, RecordedBatch, Store};
use mesh_core::time::Timestamp;
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub use disk::{CommitObserver, OpenError, is_in_use};
pub use outbox::Publisher;
pub use state::{GroupView, NodeView, Overview, StoreCounts};

use disk::{Disk, Shared};
use outbox::Outbox;
use state::{Changes, State};

/// The settings of a local store.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// Lifetimes, and limits of groups and domains.
    pub settings: Settings,
    /// The most groups in all domains.
    pub max_groups: usize,
}

/// A [`Store`] inside this process.
pub struct LocalStore {
    shared: Arc<Shared>,
    publisher: Arc<dyn Publisher>,
    disk: Option<Disk>,
    /// Outboxes whose task went away before its change was settled.
    pending: Mutex<Vec<Arc<Outbox>>>,
}

impl LocalStore {
    /// A store that ends with its process.
    pub fn in_memory(
        settings: &LocalSettings,
        publisher: Arc<dyn Publisher>,
    ) -> std::result::Result<Self, StoreFailure> {
        let state = State::new(settings, tables::random_epoch()?);
        Ok(Self::new(Arc::new(Shared::new(state)), publisher, None))
    }

    /// A store whose acknowledged changes survive the process, in the file `path`, which is made if
    /// it is not there. `observer` is told how long each commit took.
    pub fn open(
        path: &Path,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        publisher: Arc<dyn Publisher>,
        observer: CommitObserver,
    ) -> std::result::Result<Self, OpenError> {
        let file = disk::File::new(path)?;
        Self::open_file(file, settings, clock, publisher, observer)
    }

    fn open_file(
        file: disk::File,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        publisher: Arc<dyn Publisher>,
        observer: CommitObserver,
    ) -> std::result::Result<Self, OpenError> {
        let (shared, disk) = Disk::open(file, settings, clock, observer)?;
        Ok(Self::new(shared, publisher, Some(disk)))
    }

    fn new(shared: Arc<Shared>, publisher: Arc<dyn Publisher>, disk: Option<Disk>) -> Self {
        Self { shared, publisher, disk, pending: Mutex::default() }
    }

    /// What is kept and what was dropped.
    pub fn counts(&self) -> StoreCounts {
        self.shared.lock().state.counts()
    }

    /// All living groups, with values reported after `known`, by the id of their group: at most about
    /// `most_values`, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn overview(
        &self,
        now: Now,
        known: &HashMap<Id, Timestamp>,
        most_values: usize,
    ) -> Result<Overview> {
        self.change(|state, _| Ok(state.overview(now, known, most_values))).await
    }

    /// The living group, if there is one alone in all domains.
    ///
    /// # Errors
    ///
    /// When the commit fails of what this answer may have seen.
    pub async fn only_group(&self, now: Now) -> Result<Option<GroupRecord>> {
        self.change(|state, _| Ok(state.only_group(now))).await
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

    /// Takes a member out of a group for the teacher. Taking out the host ends the group.
    ///
    /// # Errors
    ///
    /// When there is no such group or member, or the change cannot be kept.
    pub async fn remove_node(&self, now: Now, group: &GroupKey, node: &Id) -> Result<()> {
        self.change(|state, change| state.remove_node(now, group, node, change)).await
    }

    /// Ends what time has ended and tells subscribers. To be called a few times a second.
    pub async fn sweep(&self, now: Now) -> Result<()> {
        // Taken first: whatever they wait for is settled before this change is.
        let pending = Leaving { store: self, outboxes: std::mem::take(&mut *self.pending.lock()) };
        let swept = self.change(|state, change| {
            state.sweep(now, change);
            Ok(())
        });
        swept.await?;
        pending.leave();
        Ok(())
    }

    /// Whether changes can become durable now: not after a failed commit, until the state was read back.
    pub fn can_commit(&self) -> bool {
        !self.shared.lock().refuses
    }

    /// Commits what is left and closes the file. Whatever comes later is refused.
    pub fn close(&self) {
        if let Some(disk) = &self.disk {
            disk.close();
        }
    }

    /// Makes a change, and answers once it is durable and its news has left.
    async fn change<T>(&self, make: impl FnOnce(&mut State, &mut Changes) -> Result<T>) -> Result<T> {
        let begun = self.begin(make)?;
        if let Some(settled) = begun.settled
            && !settled.await.unwrap_or(false)
        {
            return Err(Error::Store("the commit failed".into()));
        }
        begun.news.leave();
        begun.result
    }

    /// The part of a change that happens under the state's lock.
    fn begin<T>(&self, make: impl FnOnce(&mut State, &mut Changes) -> Result<T>) -> Result<Begun<'_, T>> {
        let mut change = Changes::default();
        let mut opened = self.shared.lock();
        if opened.refuses {
            return Err(Error::Store("the store is being read back after a failed commit".into()));
        }
        // Even a refused call may have seen changes that are not durable, and may have removed expired groups.
        let result = make(&mut opened.state, &mut change);
        let outboxes = change.messages.iter().map(|(outbox, _)| outbox.clone()).collect();
        let settled = if let Some(disk) = &self.disk {
            disk.journal.submit(change.rows, change.messages)
        } else {
            Outbox::post(change.messages);
            None
        };
        Ok(Begun { result, settled, news: Leaving { store: self, outboxes } })
    }
}

/// A change that was made and is not answered yet.
struct Begun<'a, T> {
    result: Result<T>,
    settled: Option<oneshot::Receiver<bool>>,
    news: Leaving<'a>,
}

/// Outboxes whose news leaves once a change is durable. The change's task may go away while it waits
/// (its client hung up); then the next sweep lets the news leave.
struct Leaving<'a> {
    store: &'a LocalStore,
    outboxes: Vec<Arc<Outbox>>,
}

impl Leaving<'_> {
    fn leave(mut self) {
        for outbox in self.outboxes.drain(..) {
            outbox.flush(&*self.store.publisher);
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

impl Store for LocalStore {
    async fn create_group(&self, now: Now, new: NewGroup) -> Result<GroupRecord> {
        let id = new_group_id()?;
        self.change(|state, change| state.create_group(now, new, id, change)).await
    }

    async fn renew_heartbeat(&self, now: Now, group: &GroupKey, host: Caller<'_>) -> Result<GroupRecord> {
        self.change(|state, _| state.renew_heartbeat(now, group, host)).await
    }

    async fn join_group(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        new: NewMember,
    ) -> Result<JoinedNode> {
        self.change(|state, change| state.join_group(now, group, node, new, change)).await
    }

    async fn send_member_heartbeat(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
    ) -> Result<GroupRecord> {
        self.change(|state, _| state.send_member_heartbeat(now, group, node)).await
    }

    async fn report_status(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        data: Vec<SensorData>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        self.change(|state, change| state.report_status(now, group, node, data, fields, change)).await
    }

    async fn fire_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        events: Arc<[Event]>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        self.change(|state, change| state.fire_events(now, group, node, events, fields, change)).await
    }

    async fn record_events(
        &self,
        now: Now,
        group: &GroupKey,
        node: Caller<'_>,
        call: NewBatch,
    ) -> Result<RecordedBatch> {
        self.change(|state, change| state.record_events(now, group, node, &call, change)).await
    }

    async fn leave_group(&self, now: Now, group: &GroupKey, node: Caller<'_>) -> Result<()> {
        self.change(|state, change| state.leave_group(now, group, node, change)).await
    }

    async fn dissolve_group(
        &self,
        now: Now,
        group: &GroupKey,
        host: Caller<'_>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        self.change(|state, change| state.dissolve_group(now, group, host, fields, change)).await
    }

    async fn list_groups(&self, now: Now, domain: &Domain) -> Result<Vec<GroupRecord>> {
        self.change(|state, _| Ok(state.list_groups(now, domain))).await
    }

    async fn search_groups(&self, now: Now, prefix: &str, limit: usize) -> Result<Vec<GroupRecord>> {
        self.change(|state, _| Ok(state.search_groups(now, prefix, limit))).await
    }

    async fn node_status(&self, now: Now, node: &Id) -> Result<Option<NodeStatus>> {
        self.change(|state, _| Ok(state.node_status(now, node))).await
    }

    async fn group_statuses(&self, now: Now, group: &GroupKey) -> Result<Vec<NodeStatus>> {
        self.change(|state, _| state.group_statuses(now, group)).await
    }

    async fn list_nodes(&self, now: Now, group: &GroupKey) -> Result<(GroupRecord, Vec<NodeRecord>)> {
        self.change(|state, _| state.list_nodes(now, group)).await
    }

    async fn events_since(&self, now: Now, group: &GroupKey, since: Since) -> Result<EventPage> {
        self.change(|state, _| state.events_since(now, group, since)).await
    }
}

/// A new group's id: 128 random bits, as 32 hex digits.
fn new_group_id() -> Result<Id> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Store(error.into()))?;
    Ok(Id::from(Hex(&bytes).to_string()))
}
