//! What a board shows, and what is to be told so that it shows what is.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use mesh_core::id::Id;
use mesh_core::model::{BatchEvent, GroupRecord, SensorData};
use mesh_core::settings::{Lifetimes, seconds};
use mesh_core::time::Timestamp;

use super::frame::{
    AboutGroup, EndReason, EventLine, Frame, GroupChange, GroupEnd, NodeChange, NodeEnd, NodeState,
};
use super::invitation::Invitation;
use super::watch::News;
use crate::realtime::hub::Line;
use crate::store::{GroupView, NodeView, Overview};

/// A connection for which more bytes wait cannot follow.
const SLOW_BYTES: usize = 32 << 10;
/// More events than this cannot be read in the time between two frames.
const MOST_EVENTS: usize = 60;
/// Longer texts are cut: nobody can read them on a wall.
const MOST_CHARACTERS: usize = 120;

/// What a board shows.
#[derive(Default)]
pub(super) struct Picture {
    groups: HashMap<Id, ShownGroup>,
}

#[derive(Default)]
struct ShownGroup {
    last_report: Option<Timestamp>,
    listeners: usize,
    nodes: HashMap<Id, ShownNode>,
}

struct ShownNode {
    membership: u64,
    state: NodeState,
    polls: bool,
    is_host: bool,
    /// Whether a connection from its address was ever seen.
    was_connected: bool,
    /// How long it was silent when it was seen last.
    silent: Duration,
}

/// What is to be known beside groups and news.
pub(super) struct Surroundings<'a> {
    pub(super) rules: &'a Lifetimes,
    /// Who listens to a group.
    pub(super) lines: &'a dyn Fn(&GroupRecord) -> Vec<Line>,
    /// From where a node joined.
    pub(super) address_of: &'a dyn Fn(&Id) -> Option<IpAddr>,
    /// How pupils come into the groups of a domain.
    pub(super) invitation: &'a dyn Fn(&GroupRecord) -> Invitation,
}

impl Picture {
    /// For each shown group, up to when its values are known.
    pub(super) fn known(&self) -> HashMap<Id, Timestamp> {
        self.groups.iter().filter_map(|(id, shown)| Some((id.clone(), shown.last_report?))).collect()
    }

    /// Takes what is, and says what changed.
    pub(super) fn follow(&mut self, overview: &Overview, mut news: News, around: &Surroundings<'_>) -> Frame {
        let living: HashSet<_> = overview.groups.iter().map(|group| group.record.key.id.clone()).collect();
        let ended = self.bury(&living, &news);
        let mut groups = Vec::new();
        for view in &overview.groups {
            let messages = news.messages.remove(&view.record.key.id).unwrap_or(0);
            groups.extend(self.follow_group(view, messages, around));
        }
        let (events, more_events) = self.events(&news);
        Frame { groups, ended, events, more_events, more_groups: overview.more_groups, ..Frame::default() }
    }

    fn bury(&mut self, living: &HashSet<Id>, news: &News) -> Vec<GroupEnd> {
        let reasons: HashMap<_, _> = news.ended.iter().cloned().collect();
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
        let lines = (around.lines)(record);
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
            listeners: lines.len(),
            nodes: view.nodes.iter().filter_map(|node| shown.follow_node(node, &lines, around)).collect(),
            gone,
        };
        let is_same =
            shown.listeners == change.listeners && change.nodes.is_empty() && change.gone.is_empty();
        shown.listeners = change.listeners;
        shown.last_report = Some(view.last_report);
        (is_new || messages > 0 || !is_same).then_some(change)
    }

    /// Events of shown groups, the newest where there are too many.
    fn events(&self, news: &News) -> (Vec<EventLine>, u32) {
        let shown = news.batches.iter().filter(|batch| self.groups.contains_key(&batch.group.id));
        let all: Vec<_> =
            shown.flat_map(|batch| (0..batch.events.len()).map(move |index| (batch, index))).collect();
        let left_out = all.len().saturating_sub(MOST_EVENTS);
        let events = all[left_out..].iter().map(|(batch, index)| line(batch, *index)).collect();
        (events, u32::try_from(left_out).unwrap_or(u32::MAX).saturating_add(news.more_batches))
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
        lines: &[Line],
        around: &Surroundings<'_>,
    ) -> Option<NodeChange> {
        let address = (around.address_of)(&node.id);
        let own_lines = || lines.iter().filter(|line| Some(line.address) == address);
        let before = self.nodes.get(&node.id);
        let is_new = before.is_none_or(|before| before.membership != node.membership);
        let was_connected = before.is_some_and(|before| before.was_connected) || own_lines().next().is_some();
        let state = if node.silent > lateness(around.rules, node.is_host) {
            NodeState::Silent
        } else if own_lines().any(|line| line.waiting_bytes > SLOW_BYTES) {
            NodeState::Slow
        } else if node.use_web_socket && was_connected && own_lines().next().is_none() {
            NodeState::CutOff
        } else {
            NodeState::Here
        };
        let polls = !node.use_web_socket;
        let is_same = before.is_some_and(|before| before.state == state && before.polls == polls);
        let shown = ShownNode {
            membership: node.membership,
            state,
            polls,
            is_host: node.is_host,
            was_connected,
            silent: node.silent,
        };
        self.nodes.insert(node.id.clone(), shown);
        let change = NodeChange {
            id: node.id.as_str().to_owned(),
            is_new,
            state,
            polls,
            values: node.news.iter().map(shortened).collect(),
        };
        (is_new || !is_same || !change.values.is_empty()).then_some(change)
    }
}

/// After how much silence a heartbeat is late.
fn lateness(rules: &Lifetimes, is_host: bool) -> Duration {
    let interval = if is_host { rules.host_heartbeat_interval } else { rules.member_heartbeat_interval };
    seconds(interval) * 3 / 2
}

fn line(batch: &BatchEvent, index: usize) -> EventLine {
    let event = &batch.events[index];
    EventLine {
        group: batch.group.id.as_str().to_owned(),
        node: batch.fired_by.as_str().to_owned(),
        name: short(&event.name),
        payload: event.payload.as_deref().map(short),
        time: batch.timestamp.as_millis(),
    }
}

fn shortened(item: &SensorData) -> (String, String) {
    (item.key.to_string(), short(&item.value))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
