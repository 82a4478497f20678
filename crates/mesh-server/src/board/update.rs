//! An update of a board, as JSON. Everything that did not change is left out.

use std::sync::Arc;

use mesh_core::id::Id;
use mesh_core::model::{BatchEvent, DissolveReason, Event};
use serde::Serialize;

/// Changes since the update before; the first has everything.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BoardUpdate {
    /// The server's time, in milliseconds since 1970.
    pub(super) time: i64,
    /// This board, for `POST /admin/open`.
    pub(super) board: u64,
    /// The group whose values are told: the opened one, or one that is alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) opened: Option<Id>,
    /// The way in for pupils; left out while it stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lobby: Option<Lobby>,
    /// Groups that are new or in which something changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<GroupChange>,
    /// Groups that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ended: Vec<GroupEnd>,
    /// Events, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<EventLine>,
    /// Events that were left out, because so many came at once.
    pub(super) more_events: u32,
    /// Groups that are not shown, because there are so many.
    pub(super) more_groups: usize,
    /// The price of the same work in the cloud.
    pub(super) bill: super::bill::Bill,
}

/// The way in for pupils.
#[derive(Debug, Serialize)]
pub(super) struct Lobby {
    /// The server's address, as `http://192.168.1.20:4000`.
    pub(super) address: String,
    /// Six letters that stand for the key.
    pub(super) code: String,
    /// Both as a QR code.
    pub(super) invitation: super::invitation::Invitation,
    /// TurboWarp's editor with this server's extension.
    pub(super) turbowarp: super::invitation::Invitation,
}

/// The changes in a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupChange {
    pub(super) id: String,
    /// Set when the board hears of the group for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<AboutGroup>,
    /// Messages since the update before.
    pub(super) messages: u32,
    /// Connections that listen.
    pub(super) listeners: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) nodes: Vec<NodeChange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) gone: Vec<NodeEnd>,
}

/// The facts of a group that do not change.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AboutGroup {
    pub(super) domain: String,
    pub(super) name: String,
    pub(super) host: String,
    /// In milliseconds since 1970.
    pub(super) expires_at: i64,
    pub(super) invitation: super::invitation::Invitation,
}

/// The changes of a node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeChange {
    pub(super) id: String,
    /// Set when the node has just come: values that the board has of it are of an earlier stay.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_new: bool,
    /// Its name, when it has one and that is news.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Arc<str>>,
    pub(super) state: NodeState,
    pub(super) polls: bool,
    /// Keys and values that were reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) values: Vec<(String, String)>,
}

/// The state of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NodeState {
    /// All is well.
    Here,
    /// It does not take its messages as fast as they come.
    Slow,
    /// It had a WebSocket and has none.
    CutOff,
    /// Its heartbeat is late.
    Silent,
}

/// A node that is no longer in its group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeEnd {
    pub(super) id: String,
    /// `true` if it fell silent; `false` if it left.
    pub(super) lost: bool,
}

/// A group that is no longer there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupEnd {
    pub(super) id: String,
    pub(super) reason: EndReason,
}

/// Why a group ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum EndReason {
    Dissolved,
    ByTeacher,
    HostLeft,
    TimeOver,
    HostLost,
}

impl From<DissolveReason> for EndReason {
    fn from(reason: DissolveReason) -> Self {
        match reason {
            DissolveReason::ByHost => Self::Dissolved,
            DissolveReason::ByTeacher => Self::ByTeacher,
            DissolveReason::HostLeft => Self::HostLeft,
            DissolveReason::TimeOver => Self::TimeOver,
            DissolveReason::HostSilent => Self::HostLost,
        }
    }
}

/// An event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventLine {
    pub(super) group: String,
    pub(super) node: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<String>,
    /// When the server took it, in milliseconds since 1970.
    pub(super) time: i64,
}

/// Longer texts are cut: nobody can read them on a wall.
pub(super) const MOST_CHARACTERS: usize = 120;

impl EventLine {
    /// The line that is told of one event of a call.
    pub(super) fn new(batch: &BatchEvent, event: &Event) -> Self {
        Self {
            group: batch.group.id.as_str().to_owned(),
            node: batch.fired_by.as_str().to_owned(),
            name: short(&event.name),
            payload: event.payload.as_deref().map(short),
            time: batch.timestamp.as_millis(),
        }
    }
}

/// A text as it is told.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
