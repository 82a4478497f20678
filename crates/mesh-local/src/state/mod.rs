//! Everything that the store knows, in memory. Methods change it and collect the rows for the journal and
//! the messages for subscribers. They neither wait nor publish.
//!
//! Files are named as the contract suite of core: groups, lifecycle, members, status, events, polling.

mod event_log;
mod events;
mod group;
mod groups;
mod indexes;
mod lifecycle;
mod load;
mod members;
mod memory;
mod overview;
mod polling;
mod readers;
mod shares;
mod status;
mod values;
mod walk;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::settings::{Life, Settings};

use crate::LocalSettings;
use crate::lock::LockTimes;
use crate::outbox::Outgoing;
use crate::rows::{EndedRow, Row};
use group::GroupState;
pub(super) use groups::{GroupList, GroupSearch};
use indexes::Indexes;
pub(super) use load::Loaded;
pub use memory::StoreMemory;
pub use overview::{GroupView, NodeView, Overview};
use shares::Shares;

/// Everything that the store knows.
pub(super) struct State {
    settings: Settings,
    /// The most groups in all domains.
    max_groups: usize,
    /// The most bytes of each kind, and those that are kept.
    most: StoreMemory,
    memory: StoreMemory,
    /// Cursors of another epoch mean nothing here.
    epoch: u32,
    groups: HashMap<Id, Box<GroupState>>,
    /// Groups that ended without being dissolved.
    ended: HashMap<Id, Ended>,
    indexes: Indexes,
    /// The next group number, and the next place in the order of joins.
    next_number: u64,
    /// The time at which each group may have ended, unless it was renewed since: its `queued`.
    group_deadlines: BTreeSet<(Duration, Id)>,
    /// The time at which each member may be gone, unless it was renewed since: its `queued`.
    member_deadlines: BTreeSet<(Duration, Id, Id)>,
    /// When the oldest call of each group was recorded that has events, or one that was dropped since: its
    /// `events_queued`.
    oldest_calls: BTreeSet<(Duration, Id)>,
    shares: Shares,
    /// Answers to recorded calls, oldest first.
    repeats: VecDeque<(Duration, Id, Id, [u8; 16])>,
    /// The number of them that were forgotten.
    repeats_forgotten: u64,
    /// Ended groups, oldest first.
    ended_order: VecDeque<(Duration, Id)>,
    counts: StoreCounts,
}

/// A group that ended without being dissolved.
struct Ended {
    number: u64,
    row: EndedRow,
    /// The end of its time, by the steady clock.
    end: Duration,
}

/// Figures for the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreCounts {
    /// Living groups.
    pub groups: usize,
    /// Joined nodes.
    pub nodes: usize,
    /// Bytes that are kept.
    pub memory: StoreMemory,
    /// Events kept so far.
    pub events_kept: u64,
    /// Events dropped because there was no room for them; not those whose time was over.
    pub events_dropped: u64,
    /// For how long the state was locked.
    pub locked: LockTimes,
    /// How often publishing let others have the thread.
    pub yields: u64,
}

/// The effects of one call: rows to write and messages to publish.
#[derive(Default)]
pub(super) struct Changes {
    /// Rows for the journal.
    pub(super) rows: Vec<Row>,
    /// Messages for the subscribers of groups.
    pub(super) messages: Vec<Outgoing>,
}

impl State {
    pub(super) fn new(local: &LocalSettings, epoch: u32) -> Self {
        Self {
            settings: local.settings.clone(),
            max_groups: local.max_groups,
            most: local.memory,
            memory: StoreMemory::default(),
            epoch,
            groups: HashMap::new(),
            ended: HashMap::new(),
            indexes: Indexes::default(),
            next_number: 0,
            group_deadlines: BTreeSet::new(),
            member_deadlines: BTreeSet::new(),
            oldest_calls: BTreeSet::new(),
            shares: Shares::default(),
            repeats: VecDeque::new(),
            repeats_forgotten: 0,
            ended_order: VecDeque::new(),
            counts: StoreCounts::default(),
        }
    }

    /// The figures for the metrics.
    pub(super) fn counts(&self) -> StoreCounts {
        // Each member has one deadline.
        let nodes = self.member_deadlines.len();
        StoreCounts { groups: self.groups.len(), nodes, memory: self.memory, ..self.counts }
    }

    /// The living group of that key.
    fn group(&self, now: Now, key: &GroupKey) -> Result<&GroupState> {
        match self.groups.get(&key.id).filter(|group| group.record.key.domain == key.domain) {
            Some(group) => match group.life(now, &self.settings.lifetimes) {
                Life::Alive => Ok(group),
                Life::Expired => Err(Error::GroupExpired(key.clone())),
                Life::HostSilent => Err(Error::HostSilent(key.clone())),
            },
            None => match self.ended.get(&key.id).filter(|ended| ended.row.key.domain == key.domain) {
                Some(ended) if now.steady >= ended.end => Err(Error::GroupExpired(key.clone())),
                Some(_) => Err(Error::HostSilent(key.clone())),
                None => Err(Error::GroupNotFound(key.clone())),
            },
        }
    }

    /// The living group of that key, to change it.
    fn group_mut(&mut self, now: Now, key: &GroupKey) -> Result<&mut GroupState> {
        self.group(now, key)?;
        self.groups
            .get_mut(&key.id)
            .map(|group| &mut **group)
            .ok_or_else(|| Error::GroupNotFound(key.clone()))
    }

    /// The numbers of deadlines of groups and of members.
    #[cfg(test)]
    pub(super) fn deadlines(&self) -> (usize, usize) {
        (self.group_deadlines.len(), self.member_deadlines.len())
    }

    /// True if nothing is kept at all.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let counts = [self.groups.len(), self.ended.len(), self.oldest_calls.len(), self.repeats.len()];
        let more = [self.ended_order.len(), self.group_deadlines.len(), self.member_deadlines.len()];
        counts.iter().chain(&more).all(|count| *count == 0)
            && self.memory == StoreMemory::default()
            && self.indexes.is_empty()
            && self.shares.count() == 0
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}
