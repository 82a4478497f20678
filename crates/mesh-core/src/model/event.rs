//! Events, as one call sends them and as they are recorded.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cursor::{Cursor, Position};
use crate::id::{GroupKey, Id};
use crate::time::Timestamp;

/// One event as its sender fired it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// The event's name; may be empty.
    #[serde(rename = "eventName")]
    pub name: String,
    /// Anything the sender wants to say with it.
    pub payload: Option<String>,
    /// When the sender fired it, by the sender's clock.
    pub fired_at: Timestamp,
    /// The sender's own numbering, for receivers that sort by it.
    pub order_key: Option<String>,
}

/// The events of one call, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEvent {
    /// The group they were fired in.
    pub group: Arc<GroupKey>,
    /// The node that fired them.
    pub fired_by: Id,
    /// The events.
    pub events: Arc<[Event]>,
    /// When the server took the call.
    pub timestamp: Timestamp,
    /// The call's number in the group's log, where it was recorded.
    pub recorded: Option<CallNumber>,
}

/// The number of a recorded call in its group's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallNumber {
    /// Which life of the store the number belongs to.
    pub epoch: u32,
    /// The number; a group's calls are numbered without a gap.
    pub call: u64,
}

impl BatchEvent {
    /// The cursor right behind the event at `index`, for `reader`, where the call was recorded.
    pub fn cursor_behind(&self, index: usize, reader: Option<u64>) -> Option<Cursor> {
        let CallNumber { epoch, call } = self.recorded?;
        let taken = u32::try_from(index + 1).ok()?;
        Some(Cursor { epoch, position: Position { call, taken }, reader })
    }
}

/// A part of a recorded call, as a poller is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSlice {
    /// The call.
    pub batch: Arc<BatchEvent>,
    /// Which of its events.
    pub range: Range<usize>,
    /// Its reader, where the store tells readers apart.
    pub reader: Option<u64>,
}
