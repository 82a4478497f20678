//! The message that carries news to the subscribers of a group.

use std::sync::Arc;

use crate::id::GroupKey;
use crate::model::{BatchEvent, MessageFields, NodeStatus};

/// One piece of news for the subscribers of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshMessage {
    /// The group it happened in.
    pub group: Arc<GroupKey>,
    /// The event or status itself, or the group's end.
    pub content: Content,
    /// Which fields subscribers get: those that the mutation selected, or all where no client's
    /// selection shaped the message.
    pub fields: MessageFields,
}

/// The content of a live message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A node reported values.
    NodeStatus(NodeStatus),
    /// A node fired events.
    BatchEvent(Arc<BatchEvent>),
    /// The group ended.
    GroupDissolve(GroupDissolve),
}

/// The end of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDissolve {
    /// The group that ended.
    pub group: Arc<GroupKey>,
    /// Why it ended.
    pub reason: DissolveReason,
}

/// Why a group ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DissolveReason {
    /// Its host dissolved it.
    ByHost,
    /// The teacher ended it.
    ByTeacher,
    /// Its host left it.
    HostLeft,
    /// Its time was over.
    TimeOver,
    /// Its host sent no heartbeat.
    HostSilent,
}

impl MeshMessage {
    /// The news that a group ended.
    pub fn dissolve(group: Arc<GroupKey>, reason: DissolveReason, fields: MessageFields) -> Self {
        let content = Content::GroupDissolve(GroupDissolve { group: group.clone(), reason });
        Self { group, content, fields }
    }
}

impl DissolveReason {
    /// The text that clients read; always with the word "dissolved".
    pub fn text(self) -> &'static str {
        match self {
            Self::ByHost => "The group was dissolved by its host",
            Self::ByTeacher => "The group was dissolved by the teacher",
            Self::HostLeft => "The host left, the group was dissolved",
            Self::TimeOver => "The group's time is over, it was dissolved",
            Self::HostSilent => "The host's heartbeat is missing, the group was dissolved",
        }
    }
}
