//! The rows of the log: one for each thing that outlives the process.

use std::sync::Arc;

use mesh_core::cursor::{Cursor, Position};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{BatchEvent, Event, GroupRecord};
use mesh_core::secret::SecretHash;
use mesh_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A row of the log: something that is there from now on, or is gone. A later row of the same thing wins, so
/// reading rows twice does no harm. Groups are named by their number, which no client chooses.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Row {
    /// A process opened the log.
    Session(SessionRow),
    /// The process closed the log, and everything before this row is on the disk.
    Closed,
    Group(u64, Box<GroupRow>),
    /// Removes everything that belongs to a group, but remembers the group as ended.
    EndGroup(u64, EndedRow),
    /// Removes a group and everything that belongs to it.
    ForgetGroup(u64),
    Member(u64, Id, MemberRow),
    /// Removes a member and its values.
    DropMember(u64, Id),
    Value(u64, Id, Arc<str>, ValueRow),
    Call(u64, u64, CallRow),
    /// Removes the calls of a group below a number.
    DropCalls(u64, u64),
    Repeat(u64, Id, [u8; 16], RepeatRow),
    DropRepeat(u64, Id, [u8; 16]),
}

/// A process that writes the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SessionRow {
    /// The epoch of all cursors that it gives out.
    pub(super) epoch: u32,
    /// The start of the machine that it runs in, if the system tells.
    pub(super) boot_id: Option<String>,
    /// True if every change is on the disk before it is answered.
    pub(super) always_synced: bool,
}

/// A group that ended without being dissolved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EndedRow {
    pub(super) key: Arc<GroupKey>,
    pub(super) expires_at: Timestamp,
    pub(super) ended_at: Timestamp,
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
    /// The number that names its host in cursors.
    pub(super) host_reader: u64,
    /// The secret of its host.
    pub(super) secret: Option<SecretHash>,
}

/// The position up to which a log of events was dropped.
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
    /// The number that names it in its cursors.
    pub(super) reader: u64,
    /// The name that it gave itself, and its secret.
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
