//! Creating, finding and ending groups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::error::{Error, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::GroupRecord;
use mesh_core::secret::Caller;
use mesh_core::settings::Life;
use mesh_core::store::NewGroup;
use mesh_core::time::Timestamp;

use super::event_log::EventLog;
use super::group::GroupState;
use super::memory::shrink_table;
use super::readers::Readers;
use super::{Changes, State};

/// So many groups a search or a list looks at while the state is locked.
const GROUPS_IN_STEP: usize = 250;

/// The living groups of a domain, read in steps that lock the state shortly.
#[derive(Default)]
pub(crate) struct GroupList {
    /// Behind which group it goes on: its time of creation and number.
    behind: Option<(Timestamp, u64)>,
    found: Vec<GroupRecord>,
}

impl GroupList {
    /// The groups that were found, oldest first.
    pub(crate) fn found(self) -> Vec<GroupRecord> {
        self.found
    }
}

/// A search for groups by the beginning of their name, in steps that lock the state shortly.
pub(crate) struct GroupSearch {
    prefix: Arc<str>,
    /// The name and number from which it goes on.
    next: (Arc<str>, u64),
    /// Groups by their number.
    found: Vec<(u64, GroupRecord)>,
    limit: usize,
}

impl GroupSearch {
    /// A search that has looked at nothing yet. It finds at most `limit` groups.
    pub(crate) fn new(prefix: &str, limit: usize) -> Self {
        let prefix = Arc::<str>::from(prefix);
        Self { next: (prefix.clone(), 0), prefix, found: Vec::new(), limit }
    }

    /// Forgets all but the oldest that were found.
    pub(crate) fn keep_oldest(&mut self) {
        self.found.sort_by_key(|(number, record)| (record.created_at, *number));
        self.found.truncate(self.limit);
    }

    /// The groups that were found, oldest first.
    pub(crate) fn found(mut self) -> Vec<GroupRecord> {
        self.keep_oldest();
        self.found.into_iter().map(|(_, record)| record).collect()
    }
}

impl State {
    pub(crate) fn create_group(
        &mut self,
        now: Now,
        new: NewGroup,
        id: Id,
        reader: u64,
        change: &mut Changes,
    ) -> Result<GroupRecord> {
        self.expire_groups(now, change);
        if let Some(id) = self.indexes.group_of_host(&new.domain, &new.host_id)
            && let Some(group) = self.groups.get_mut(id)
        {
            group.check_secret(Caller { id: &new.host_id, secret: new.secret })?;
            group.host_seen = now.steady;
            group.host_polls_from(new.from);
            return Ok(group.record.clone());
        }
        if self.indexes.count_in_domain(&new.domain) >= self.settings.limits.groups_in_domain {
            let most = self.settings.limits.groups_in_domain;
            return Err(Error::invalid(format!("a domain may have at most {most} groups")));
        }
        if self.groups.len() >= self.max_groups {
            return Err(Error::invalid(format!("this server may have at most {} groups", self.max_groups)));
        }
        let record = GroupRecord {
            key: Arc::new(GroupKey { id, domain: new.domain }),
            name: new.name.into(),
            host_id: new.host_id,
            created_at: now.wall,
            expires_at: now.wall.plus(new.life),
            use_web_socket: new.use_web_socket,
        };
        let number = self.number();
        let mut group = GroupState {
            number,
            record: record.clone(),
            secret: new.secret,
            end: now.steady + new.life,
            host_seen: now.steady,
            host_joined: number,
            host_values: Arc::default(),
            members: HashMap::new(),
            log: EventLog::default(),
            repeats: HashMap::new(),
            host_reader: reader,
            readers: Readers::default(),
            last_report: Timestamp::from_millis(0),
            outbox: Arc::default(),
            queued: Duration::ZERO,
            events_queued: None,
        };
        self.memory.check_nodes(self.most, 0, group.cost())?;
        group.host_polls_from(new.from);
        change.rows.push(group.row());
        self.add_group(group);
        Ok(record)
    }

    /// Looks at the next groups of a list. Returns `false` at the end.
    pub(crate) fn list_on(&self, now: Now, domain: &Domain, list: &mut GroupList) -> bool {
        let mut looked_at = 0;
        for (place, id) in self.indexes.groups_of_domain(domain, list.behind).take(GROUPS_IN_STEP) {
            let group = self.living(now, std::iter::once(id)).next();
            list.found.extend(group.map(|group| group.record.clone()));
            list.behind = Some(*place);
            looked_at += 1;
        }
        looked_at == GROUPS_IN_STEP
    }

    /// Looks at the next groups of a search. Returns `false` at the end.
    pub(crate) fn search_on(&self, now: Now, search: &mut GroupSearch) -> bool {
        let from = std::mem::take(&mut search.next);
        let mut named = self.indexes.groups_by_prefix(&search.prefix, &from);
        for (_, id) in named.by_ref().take(GROUPS_IN_STEP) {
            let group = self.living(now, std::iter::once(id)).next();
            search.found.extend(group.map(|group| (group.number, group.record.clone())));
        }
        let next = named.next().map(|(name, _)| name.clone());
        next.map(|next| search.next = next).is_some()
    }

    /// Those of the groups that are alive.
    pub(super) fn living<'a>(
        &'a self,
        now: Now,
        ids: impl Iterator<Item = &'a Id>,
    ) -> impl Iterator<Item = &'a GroupState> {
        ids.filter_map(|id| self.groups.get(id).map(|group| &**group))
            .filter(move |group| group.life(now, &self.settings.lifetimes) == Life::Alive)
    }

    pub(super) fn add_group(&mut self, mut group: GroupState) {
        self.memory.nodes += group.cost();
        let id = &group.record.key.id;
        group.queued = group.deadline(&self.settings.lifetimes);
        self.indexes.add_group(&group.record, group.number);
        self.indexes.add_membership(&group.record.host_id, group.host_joined, id);
        self.group_deadlines.insert((group.queued, id.clone()));
        self.groups.insert(id.clone(), Box::new(group));
    }

    /// Takes a group and everything that belongs to it out of the state.
    pub(super) fn remove_group(&mut self, id: &Id) -> Option<Box<GroupState>> {
        let group = self.groups.remove(id)?;
        shrink_table(&mut self.groups);
        self.indexes.remove_group(&group.record, group.number);
        self.indexes.remove_membership(&group.record.host_id, group.host_joined);
        self.group_deadlines.remove(&(group.queued, id.clone()));
        for (node, member) in &group.members {
            self.indexes.remove_membership(node, member.row.joined);
            self.member_deadlines.remove(&(member.queued, id.clone(), node.clone()));
            self.memory.nodes -= member.cost(node);
        }
        self.memory.nodes -= group.cost();
        self.memory.events -= group.log.cost();
        self.shares.change(id, group.log.cost(), 0);
        if let Some(at) = group.events_queued {
            self.oldest_calls.remove(&(at, id.clone()));
        }
        Some(group)
    }
}
