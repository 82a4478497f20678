//! A copy of what a board shows, to find the changes that it is to be told.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::id::Id;
use mesh_core::model::{GroupRecord, SensorData};
use mesh_core::settings::{Lifetimes, seconds};
use mesh_core::time::Timestamp;

use super::invitation::Invitation;
use super::registry::Activity;
use super::update::{
    AboutGroup, BoardUpdate, EndReason, EventLine, GroupChange, GroupEnd, NodeChange, NodeEnd, NodeState,
    short,
};
use crate::realtime::hub::Listener;
use mesh_local::{GroupView, NodeView, Overview};

/// A connection for which more bytes wait cannot follow.
const SLOW_BYTES: usize = 32 << 10;
/// An update tells about so many groups that the board does not know yet, or so many nodes of them; the rest comes with
/// the next ones.
const MOST_NEW_GROUPS: usize = 20;
const MOST_NEW_NODES: usize = 1_000;

/// A copy of what a board shows.
#[derive(Default)]
pub(super) struct Snapshot {
    groups: HashMap<Id, ShownGroup>,
}

#[derive(Default)]
struct ShownGroup {
    /// Up to when the values are known.
    known: Option<Timestamp>,
    listeners: usize,
    nodes: HashMap<Id, ShownNode>,
}

struct ShownNode {
    membership: u64,
    state: NodeState,
    polls: bool,
    is_host: bool,
    name: Option<Arc<str>>,
    /// `true` once a connection from its address was seen.
    was_connected: bool,
    /// The time for which it was silent when it was seen last.
    silent: Duration,
}

/// The facts that are needed beside groups and activity.
pub(super) struct Surroundings<'a> {
    pub(super) rules: &'a Lifetimes,
    /// The listeners of a group.
    pub(super) listeners: &'a dyn Fn(&GroupRecord) -> Vec<Listener>,
    /// From where a node joined.
    pub(super) address_of: &'a dyn Fn(&Id) -> Option<IpAddr>,
    /// The way into a group for pupils.
    pub(super) invitation: &'a dyn Fn(&GroupRecord) -> Invitation,
}

impl Snapshot {
    /// Up to when the values of a group are known.
    pub(super) fn known(&self, group: &Id) -> Option<Timestamp> {
        self.groups.get(group)?.known
    }

    /// Takes what is, and says what changed.
    pub(super) fn follow(
        &mut self,
        overview: &Overview,
        mut activity: Activity,
        around: &Surroundings<'_>,
    ) -> BoardUpdate {
        let living: HashSet<_> = overview.groups.iter().map(|group| group.record.key.id.clone()).collect();
        let ended = self.remove_ended(&living, &activity);
        let mut groups = Vec::new();
        let (mut new_groups, mut new_nodes) = (0, 0);
        for view in &overview.groups {
            if !self.groups.contains_key(&view.record.key.id) {
                if new_groups == MOST_NEW_GROUPS || new_nodes >= MOST_NEW_NODES {
                    continue;
                }
                new_groups += 1;
                new_nodes += view.nodes.len();
            }
            let messages = activity.messages.remove(&view.record.key.id).unwrap_or(0);
            groups.extend(self.follow_group(view, messages, around));
        }
        let more_events = activity.more_events;
        let events = self.events(activity);
        BoardUpdate {
            groups,
            ended,
            events,
            more_events,
            more_groups: overview.more_groups,
            opened: overview.opened.clone(),
            ..BoardUpdate::default()
        }
    }

    fn remove_ended(&mut self, living: &HashSet<Id>, activity: &Activity) -> Vec<GroupEnd> {
        let reasons: HashMap<_, _> = activity.ended.iter().cloned().collect();
        let mut ended = Vec::new();
        self.groups.retain(|id, _| {
            let lives = living.contains(id);
            if !lives {
                let reason = reasons.get(id).map_or(EndReason::Dissolved, |reason| (*reason).into());
                ended.push(GroupEnd { id: id.as_str().to_owned(), reason });
            }
            lives
        });
        ended
    }

    fn follow_group(
        &mut self,
        view: &GroupView,
        messages: u32,
        around: &Surroundings<'_>,
    ) -> Option<GroupChange> {
        let record = &view.record;
        let is_new = !self.groups.contains_key(&record.key.id);
        let shown = self.groups.entry(record.key.id.clone()).or_default();
        let listeners = (around.listeners)(record);
        let gone = shown.drop_gone(&view.nodes, around.rules);
        let change = GroupChange {
            id: record.key.id.as_str().to_owned(),
            about: is_new.then(|| AboutGroup {
                domain: record.key.domain.as_str().to_owned(),
                name: record.name.to_string(),
                host: record.host_id.as_str().to_owned(),
                expires_at: record.expires_at.as_millis(),
                invitation: (around.invitation)(record),
            }),
            messages,
            listeners: listeners.len(),
            nodes: view.nodes.iter().filter_map(|node| shown.follow_node(node, &listeners, around)).collect(),
            gone,
        };
        let is_same =
            shown.listeners == change.listeners && change.nodes.is_empty() && change.gone.is_empty();
        shown.listeners = change.listeners;
        shown.known = view.known;
        (is_new || messages > 0 || !is_same).then_some(change)
    }

    /// Events of shown groups.
    fn events(&self, activity: Activity) -> Vec<EventLine> {
        let shown = activity.events.into_iter().filter(|(group, _)| self.groups.contains_key(group));
        shown.map(|(_, line)| line).collect()
    }
}

impl ShownGroup {
    fn drop_gone(&mut self, nodes: &[NodeView], rules: &Lifetimes) -> Vec<NodeEnd> {
        let here: HashSet<_> = nodes.iter().map(|node| &node.id).collect();
        let mut gone = Vec::new();
        self.nodes.retain(|id, shown| {
            let stays = here.contains(id);
            if !stays {
                let lost = shown.silent > lateness(rules, shown.is_host);
                gone.push(NodeEnd { id: id.as_str().to_owned(), lost });
            }
            stays
        });
        gone
    }

    fn follow_node(
        &mut self,
        node: &NodeView,
        listeners: &[Listener],
        around: &Surroundings<'_>,
    ) -> Option<NodeChange> {
        let address = (around.address_of)(&node.id);
        let own_listeners = || listeners.iter().filter(|listener| Some(listener.address) == address);
        let before = self.nodes.get(&node.id);
        let is_new = before.is_none_or(|before| before.membership != node.membership);
        let was_connected =
            before.is_some_and(|before| before.was_connected) || own_listeners().next().is_some();
        let state = if node.silent > lateness(around.rules, node.is_host) {
            NodeState::Silent
        } else if own_listeners().any(|listener| listener.waiting_bytes > SLOW_BYTES) {
            NodeState::Slow
        } else if node.use_web_socket && was_connected && own_listeners().next().is_none() {
            NodeState::CutOff
        } else {
            NodeState::Here
        };
        let polls = !node.use_web_socket;
        let is_renamed = before.is_none_or(|before| before.name != node.name);
        let is_same = before.is_some_and(|before| before.state == state && before.polls == polls);
        let shown = ShownNode {
            membership: node.membership,
            state,
            polls,
            is_host: node.is_host,
            name: node.name.clone(),
            was_connected,
            silent: node.silent,
        };
        self.nodes.insert(node.id.clone(), shown);
        let change = NodeChange {
            id: node.id.as_str().to_owned(),
            is_new,
            name: if is_new || is_renamed { node.name.clone() } else { None },
            state,
            polls,
            values: node.news.iter().map(shortened).collect(),
        };
        (is_new || is_renamed || !is_same || !change.values.is_empty()).then_some(change)
    }
}

/// After how much silence a heartbeat is late.
fn lateness(rules: &Lifetimes, is_host: bool) -> Duration {
    let interval = if is_host { rules.host_heartbeat_interval } else { rules.member_heartbeat_interval };
    seconds(interval) * 3 / 2
}

fn shortened(item: &SensorData) -> (String, String) {
    (item.key.to_string(), short(&item.value))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use mesh_core::id::GroupKey;
    use mesh_core::model::{BatchEvent, Content, Event, MeshMessage, MessageFields};

    use super::super::registry::MOST_EVENTS;
    use super::super::update::MOST_CHARACTERS;

    use super::*;

    fn group(id: &str) -> GroupRecord {
        GroupRecord {
            key: Arc::new(GroupKey { id: id.into(), domain: "d".into() }),
            name: "n".into(),
            host_id: "alice".into(),
            created_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(1),
            use_web_socket: true,
        }
    }

    fn address(node: &Id) -> Ipv4Addr {
        Ipv4Addr::new(192, 0, 2, if node.as_str() == "alice" { 1 } else { 2 })
    }

    /// The update after alice, the host, and bob were seen with listeners that have so many bytes waiting.
    fn follow(snapshot: &mut Snapshot, waiting: &[(&str, usize)], activity: Activity) -> BoardUpdate {
        let nodes = ["alice", "bob"].into_iter().enumerate().map(|(place, id)| NodeView {
            id: id.into(),
            is_host: place == 0,
            name: None,
            membership: place as u64,
            use_web_socket: true,
            silent: Duration::ZERO,
            news: vec![],
        });
        let groups = vec![GroupView { record: group("g"), nodes: nodes.collect(), known: None }];
        follow_all(snapshot, groups, waiting, activity)
    }

    /// The update after these groups were seen, with such listeners in each.
    fn follow_all(
        snapshot: &mut Snapshot,
        groups: Vec<GroupView>,
        waiting: &[(&str, usize)],
        activity: Activity,
    ) -> BoardUpdate {
        let listeners = |_: &GroupRecord| {
            let listener = |&(id, waiting_bytes): &(&str, usize)| Listener {
                address: address(&id.into()).into(),
                waiting_bytes,
            };
            waiting.iter().map(listener).collect()
        };
        let around = Surroundings {
            rules: &Lifetimes::default(),
            listeners: &listeners,
            address_of: &|id| Some(address(id).into()),
            invitation: &|_| Invitation::default(),
        };
        snapshot.follow(&Overview { groups, ..Overview::default() }, activity, &around)
    }

    fn states(update: &BoardUpdate) -> Vec<(&str, NodeState)> {
        let nodes = update.groups.iter().flat_map(|group| &group.nodes);
        nodes.map(|node| (&*node.id, node.state)).collect()
    }

    #[test]
    fn whose_socket_is_slow_or_gone_is_told_once() {
        let mut snapshot = Snapshot::default();
        let mut next = |waiting: &[(&str, usize)]| follow(&mut snapshot, waiting, Activity::default());
        // Who never had a socket is not cut off.
        assert_eq!(states(&next(&[])), [("alice", NodeState::Here), ("bob", NodeState::Here)]);
        assert_eq!(states(&next(&[("alice", 0), ("bob", SLOW_BYTES)])), []);
        assert_eq!(states(&next(&[("alice", 0), ("bob", SLOW_BYTES + 1)])), [("bob", NodeState::Slow)]);
        assert!(next(&[("alice", 0), ("bob", SLOW_BYTES + 1)]).groups.is_empty());
        assert_eq!(states(&next(&[("bob", 0)])), [("alice", NodeState::CutOff), ("bob", NodeState::Here)]);
        assert_eq!(states(&next(&[("alice", 0), ("bob", 0)])), [("alice", NodeState::Here)]);
    }

    #[test]
    fn many_groups_are_told_in_parts() {
        let mut snapshot = Snapshot::default();
        let mut told = || {
            let group =
                |number: usize| GroupView { record: group(&number.to_string()), nodes: vec![], known: None };
            let groups = (0..=MOST_NEW_GROUPS * 2).map(group).collect();
            follow_all(&mut snapshot, groups, &[], Activity::default()).groups.len()
        };
        assert_eq!([told(), told(), told(), told()], [MOST_NEW_GROUPS, MOST_NEW_GROUPS, 1, 0]);
    }

    #[test]
    fn of_many_events_the_newest_are_told() {
        let event = |name: usize| Event {
            name: name.to_string(),
            payload: None,
            fired_at: Timestamp::from_millis(0),
            order_key: None,
        };
        let batch = BatchEvent {
            group: group("g").key,
            fired_by: "bob".into(),
            events: (0..MOST_EVENTS + 5).map(event).collect(),
            timestamp: Timestamp::from_millis(7),
            recorded: None,
        };
        let mut activity = Activity::default();
        activity.note(&MeshMessage {
            group: batch.group.clone(),
            content: Content::BatchEvent(Arc::new(batch)),
            fields: MessageFields::ALL,
        });
        let update = follow(&mut Snapshot::default(), &[], activity);
        assert_eq!((update.events.len(), update.more_events, &*update.events[0].name), (MOST_EVENTS, 5, "5"));
        assert_eq!(short(&"\u{3042}".repeat(MOST_CHARACTERS)).chars().count(), MOST_CHARACTERS);
        assert_eq!(short(&"\u{3042}".repeat(MOST_CHARACTERS + 1)).chars().count(), MOST_CHARACTERS + 1);
    }
}
