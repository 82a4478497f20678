//! The overview of all groups for a teacher's board.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::id::Id;
use mesh_core::model::{GroupRecord, SensorData};
use mesh_core::settings::Life;
use mesh_core::time::Timestamp;

use super::State;
use super::group::{GroupState, Values};

/// More groups than this, and more nodes in all of them, nobody can look at.
const MOST_GROUPS: usize = 100;
const MOST_NODES: usize = 4_000;

/// The living groups, oldest first.
#[derive(Debug, Default)]
pub struct Overview {
    /// At most 100.
    pub groups: Vec<GroupView>,
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
    /// Values that were reported until then are known now.
    pub known: Timestamp,
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
    /// Its values that are newer than what was asked for.
    pub news: Vec<SensorData>,
}

impl State {
    /// All living groups, with values reported after `known`, by the id of their group: the oldest
    /// `most_values` of them, and the rest of the last report.
    pub(crate) fn overview(
        &self,
        now: Now,
        known: &HashMap<Id, Timestamp>,
        mut most_values: usize,
    ) -> Overview {
        let rules = &self.settings.lifetimes;
        let mut living: Vec<_> =
            self.groups.values().filter(|group| group.life(now, rules) == Life::Alive).collect();
        living.sort_unstable_by_key(|group| (group.record.created_at, group.number));
        let more_groups = living.len().saturating_sub(MOST_GROUPS);
        let mut room = MOST_NODES;
        let shown = living.into_iter().take(MOST_GROUPS).map(|group| {
            let since = known.get(&group.record.key.id).copied();
            let view = self.view(now, group, since, room, most_values);
            most_values = most_values.saturating_sub(view.nodes.iter().map(|node| node.news.len()).sum());
            room -= view.nodes.len().min(room);
            view
        });
        Overview { groups: shown.collect(), more_groups }
    }

    /// The living group, if there is one alone.
    pub(crate) fn only_group(&self, now: Now) -> Option<GroupRecord> {
        let rules = &self.settings.lifetimes;
        let mut living = self.groups.values().filter(|group| group.life(now, rules) == Life::Alive);
        let first = living.next()?;
        living.next().is_none().then(|| first.record.clone())
    }

    fn view(
        &self,
        now: Now,
        group: &GroupState,
        since: Option<Timestamp>,
        room: usize,
        most_values: usize,
    ) -> GroupView {
        let rules = &self.settings.lifetimes;
        let until = group.told_until(since, most_values);
        let news = |values: &Values| until.map_or_else(Vec::new, |until| values.between(since, until));
        let host = NodeView {
            id: group.record.host_id.clone(),
            is_host: true,
            name: None,
            membership: group.number,
            use_web_socket: group.record.use_web_socket,
            silent: now.steady.saturating_sub(group.host_seen),
            news: news(&group.host_values),
        };
        let mut members: Vec<_> =
            group.members.iter().filter(|(_, member)| member.lives(now, rules)).collect();
        members.sort_unstable_by_key(|(_, member)| member.row.first_joined);
        let members = members.into_iter().map(|(id, member)| NodeView {
            id: id.clone(),
            is_host: false,
            name: member.row.name.clone(),
            membership: member.row.first_joined,
            use_web_socket: member.row.use_web_socket,
            silent: now.steady.saturating_sub(member.seen),
            news: news(&member.values),
        });
        GroupView {
            record: group.record.clone(),
            nodes: std::iter::once(host).chain(members).take(room).collect(),
            known: until.or(since).unwrap_or(Timestamp::from_millis(i64::MIN)),
        }
    }
}

impl GroupState {
    /// Until when values are told, so that they are about `most`; `None` if none are told. A report is
    /// told whole, and the oldest first: what is left comes the next time.
    fn told_until(&self, since: Option<Timestamp>, most: usize) -> Option<Timestamp> {
        if most == 0 || since.is_some_and(|since| self.last_report <= since) {
            return None;
        }
        let members = self.members.values().map(|member| &member.values);
        let all = std::iter::once(&self.host_values).chain(members);
        let mut times: Vec<_> = all.flat_map(|values| values.times_since(since)).collect();
        if times.len() <= most {
            return Some(self.last_report);
        }
        let (_, last, _) = times.select_nth_unstable(most - 1);
        Some(*last)
    }
}
