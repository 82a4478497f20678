//! The overview of all groups for a teacher's board.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::id::Id;
use mesh_core::model::{GroupRecord, SensorData};
use mesh_core::settings::Life;
use mesh_core::time::Timestamp;

use super::State;
use super::values::Values;

/// More groups than this, and more nodes in all of them, nobody can look at.
const MOST_GROUPS: usize = 100;
const MOST_NODES: usize = 4_000;

/// The living groups, oldest first.
#[derive(Debug, Default)]
pub struct Overview {
    /// At most 100.
    pub groups: Vec<GroupView>,
    /// The group of which values are told.
    pub opened: Option<Id>,
    /// The number of further groups.
    pub more_groups: usize,
}

/// A living group.
#[derive(Debug)]
pub struct GroupView {
    /// The group.
    pub record: GroupRecord,
    /// Its host, then its members in the order of their joining.
    pub nodes: Vec<NodeView>,
    /// Values that were reported until then are known now; `None` if none are.
    pub known: Option<Timestamp>,
}

/// A host or a member.
#[derive(Debug)]
pub struct NodeView {
    /// Its id.
    pub id: Id,
    /// True if it is the host.
    pub is_host: bool,
    /// The name that it gave itself or got from the teacher; a host has none.
    pub name: Option<Arc<str>>,
    /// Which of its memberships this is: who leaves and comes back has another, and no values yet.
    pub membership: u64,
    /// True if it uses a WebSocket.
    pub use_web_socket: bool,
    /// Time since its last sign of life.
    pub silent: Duration,
    /// Its values that are newer than what was asked for; none if the group is not opened.
    pub news: Vec<SensorData>,
}

/// A group as it is when the board looks at it, to be read outside the state's lock.
pub(crate) struct Glance {
    record: GroupRecord,
    /// The latest timestamp of a report; none where values are not wanted.
    last_report: Option<Timestamp>,
    /// The host, then the members in any order. They have no news yet.
    nodes: Vec<(NodeView, Option<Arc<Values>>)>,
}

impl State {
    /// The ids of the oldest living groups, and the number of further groups.
    pub(crate) fn oldest_groups(&self, now: Now) -> (Vec<Id>, usize) {
        let ids = self.living(now, self.indexes.groups_by_age()).take(MOST_GROUPS);
        let ids: Vec<_> = ids.map(|group| group.record.key.id.clone()).collect();
        let more = self.groups.len() - ids.len();
        (ids, more)
    }

    /// The living group, if there is one alone.
    pub(crate) fn only_group(&self, now: Now) -> Option<GroupRecord> {
        let mut living = self.living(now, self.indexes.groups_by_age());
        let first = living.next()?;
        living.next().is_none().then(|| first.record.clone())
    }

    /// A group for the board, if it still lives. Values are referred to where they are wanted alone: a change
    /// copies what a reader refers to.
    pub(crate) fn glance(&self, now: Now, id: &Id, has_values: bool) -> Option<Glance> {
        let rules = &self.settings.lifetimes;
        let group = self.groups.get(id).filter(|group| group.life(now, rules) == Life::Alive)?;
        let host = NodeView {
            id: group.record.host_id.clone(),
            is_host: true,
            name: None,
            membership: group.number,
            use_web_socket: group.record.use_web_socket,
            silent: now.steady.saturating_sub(group.host_seen),
            news: Vec::new(),
        };
        let members = group.members.iter().filter(|(_, member)| member.lives(now, rules));
        let members = members.map(|(id, member)| {
            let view = NodeView {
                id: id.clone(),
                is_host: false,
                name: member.row.name.clone(),
                membership: member.row.first_joined,
                use_web_socket: member.row.use_web_socket,
                silent: now.steady.saturating_sub(member.seen),
                news: Vec::new(),
            };
            (view, has_values.then(|| member.values.clone()))
        });
        let host = (host, has_values.then(|| group.host_values.clone()));
        Some(Glance {
            record: group.record.clone(),
            last_report: has_values.then_some(group.last_report),
            nodes: std::iter::once(host).chain(members).collect(),
        })
    }
}

impl Overview {
    /// Adds a group, with values reported after `since` if it refers to them: the oldest `most_values`, and the rest
    /// of the last report.
    pub(crate) fn push(&mut self, glance: Glance, since: Option<Timestamp>, most_values: usize) {
        let shown: usize = self.groups.iter().map(|group| group.nodes.len()).sum();
        let until = glance.told_until(since, most_values);
        let Glance { record, mut nodes, .. } = glance;
        nodes.sort_unstable_by_key(|(node, _)| (!node.is_host, node.membership));
        nodes.truncate(MOST_NODES.saturating_sub(shown));
        let nodes = nodes.into_iter().map(|(node, values)| {
            let news = until.zip(values).map(|(until, values)| values.between(since, until));
            NodeView { news: news.unwrap_or_default(), ..node }
        });
        self.groups.push(GroupView { record, nodes: nodes.collect(), known: until.or(since) });
    }
}

impl Glance {
    /// Until when values are told, so that they are about `most`; `None` if none are told. A report is
    /// told whole, and the oldest first: what is left comes the next time.
    fn told_until(&self, since: Option<Timestamp>, most: usize) -> Option<Timestamp> {
        let last_report = self.last_report.filter(|last| since.is_none_or(|since| *last > since))?;
        let values = self.nodes.iter().filter_map(|(_, values)| values.as_ref());
        let mut times: Vec<_> = values.flat_map(|values| values.times_since(since)).collect();
        if times.len() <= most {
            return Some(last_report);
        }
        let (_, last, _) = times.select_nth_unstable(most - 1);
        Some(*last)
    }
}
