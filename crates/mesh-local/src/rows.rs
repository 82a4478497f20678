//! What the journal writes: one row for each thing that outlives the process.

use std::sync::Arc;

use mesh_core::cursor::{Cursor, Position};
use mesh_core::id::Id;
use mesh_core::model::{BatchEvent, Event, GroupRecord};
use mesh_core::secret::SecretHash;
use mesh_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A row to be written or removed. Groups are named by their number, which no client chooses.
#[derive(Debug)]
pub(super) enum Row {
    Group(u64, Box<GroupRow>),
    /// Removes everything that belongs to a group but its own row.
    ClearGroup(u64),
    /// Removes a cleared group's own row.
    ForgetGroup(u64),
    Member(u64, Id, MemberRow),
    /// Removes a member and its values.
    DropMember(u64, Id),
    Value(u64, Id, Arc<str>, ValueRow),
    Call(u64, u64, Arc<BatchEvent>),
    /// Removes the calls of a group below a number.
    DropCalls(u64, u64),
    Repeat(u64, Id, [u8; 16], RepeatRow),
    DropRepeat(u64, Id, [u8; 16]),
}

/// A group; heartbeats are not written, since a restart counts as one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GroupRow {
    pub(super) record: GroupRecord,
    /// The host's latest place in the order of joins.
    pub(super) host_joined: u64,
    /// No report got a later timestamp, unless a value that is still there has it.
    pub(super) last_report: Timestamp,
    /// No recorded call got a later number, unless it is still there.
    pub(super) next_call: u64,
    pub(super) dropped: Dropped,
    pub(super) next_reader: u32,
    /// The secret of its host.
    pub(super) secret: Option<SecretHash>,
    /// When it ended, if it was not dissolved and is still remembered.
    pub(super) ended_at: Option<Timestamp>,
}

/// How far a log of events was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dropped {
    /// The place right behind the last event dropped.
    pub(super) to: Position,
    /// When that event was recorded.
    pub(super) last_at: Option<Timestamp>,
}

/// A joined node; its heartbeats are not written either.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MemberRow {
    pub(super) created_at: Timestamp,
    /// Its first and its latest place in the order of joins.
    pub(super) first_joined: u64,
    pub(super) joined: u64,
    pub(super) use_web_socket: bool,
    pub(super) reader: Option<u16>,
    /// How it called itself, and its secret.
    pub(super) name: Option<Arc<str>>,
    pub(super) secret: Option<SecretHash>,
}

/// A value and the time of the report that set it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ValueRow {
    pub(super) value: Arc<str>,
    pub(super) at: Timestamp,
}

/// The answer to a recorded call that may come again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RepeatRow {
    pub(super) at: Timestamp,
    pub(super) count: u32,
    pub(super) next_since: Cursor,
}

/// The part of a recorded call that its key does not say.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CallRow {
    pub(super) fired_by: Id,
    pub(super) timestamp: Timestamp,
    pub(super) events: Arc<[Event]>,
}

impl CallRow {
    pub(super) fn of(batch: &BatchEvent) -> Self {
        Self { fired_by: batch.fired_by.clone(), timestamp: batch.timestamp, events: batch.events.clone() }
    }
}
