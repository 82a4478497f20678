//! Groups and their nodes, as stores keep them and as clients see them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{GroupKey, Id};
use crate::time::Timestamp;

/// A group as its store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Its id and domain.
    pub key: Arc<GroupKey>,
    /// The name it was created with.
    pub name: Arc<str>,
    /// The node that created it and keeps it alive.
    pub host_id: Id,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends at the latest; never moves.
    pub expires_at: Timestamp,
    /// True if its nodes use WebSockets; false for a group of pollers.
    pub use_web_socket: bool,
}

/// A group as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The record in the store.
    pub record: GroupRecord,
    /// The interval of the host's heartbeats.
    pub heartbeat_interval_seconds: u32,
    /// The interval of its nodes' polls; set when it does not use WebSockets.
    pub polling_interval_seconds: Option<u32>,
}

/// A joined node as its store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// The node's id.
    pub id: Id,
    /// When it joined first.
    pub created_at: Timestamp,
    /// The name that it gave itself when it joined.
    pub name: Option<Arc<str>>,
    /// True if it uses a WebSocket, as of its latest join.
    pub use_web_socket: bool,
}

/// A joined node as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The record in the store.
    pub record: NodeRecord,
    /// The group it joined.
    pub group: Arc<GroupKey>,
    /// The group's end.
    pub expires_at: Timestamp,
    /// The interval of the node's heartbeats.
    pub heartbeat_interval_seconds: u32,
    /// The interval of its polls; set when it does not use a WebSocket.
    pub polling_interval_seconds: Option<u32>,
}
