//! The size of a live message, before it is taken: AppSync delivers none above 240 KB, so a mutation
//! that would make one is refused.
//!
//! Source: AppSync endpoints and quotas, "Subscription payload size".

use std::io;
use std::sync::{Arc, LazyLock};

use mesh_core::cursor::{self, Cursor};
use mesh_core::error::Result;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::limits;
use mesh_core::model::{
    BatchEvent, CallNumber, Content, Event, MeshMessage, MessageFields, NodeStatus, SensorData,
};
use mesh_core::time::Timestamp;

use crate::call::Call;
use crate::selection::{Part, Selection, Sink};

/// What stands around the message in a subscriber's frame.
const AROUND: &str = r#"{"data":{"onMessageInGroup":}}"#;

static WHOLE_MESSAGE: LazyLock<Selection> = LazyLock::new(Selection::of_message);

/// Refuses a call whose live message would be too large.
pub fn check(call: &Call) -> Result<()> {
    let message = match call {
        Call::ReportStatus(report) => {
            status(&report.group_id, &report.domain, &report.node_id, report.data.clone(), report.fields)
        }
        Call::FireEventsByNode(fire) => {
            batch(&fire.group_id, &fire.domain, &fire.node_id, fire.events.clone(), fire.fields)
        }
        // No client's selection shapes what a recorded call publishes.
        Call::RecordEventsByNode(record) => batch(
            &record.group_id,
            &record.domain,
            &record.node_id,
            record.events.clone(),
            MessageFields::ALL,
        ),
        _ => return Ok(()),
    };
    limits::message(bytes_of(&message))
}

/// The bytes of a message as a subscriber gets it that selects what the mutation selected.
pub fn bytes_of(message: &MeshMessage) -> usize {
    let mut count = Count(AROUND.len());
    WHOLE_MESSAGE.write(&mut count, message, Part::Only(message.fields));
    count.0
}

/// The message that a report would make; every timestamp has the same length.
fn status(
    group_id: &Id,
    domain: &Domain,
    node_id: &Id,
    data: Vec<SensorData>,
    fields: MessageFields,
) -> MeshMessage {
    let group = Arc::new(GroupKey { id: group_id.clone(), domain: domain.clone() });
    let timestamp = Timestamp::from_millis(0);
    let status = NodeStatus { node_id: node_id.clone(), group: group.clone(), data, timestamp };
    MeshMessage { group, content: Content::NodeStatus(status), fields }
}

/// The message that a call of events would make, recorded or not.
fn batch(
    group_id: &Id,
    domain: &Domain,
    node_id: &Id,
    events: Arc<[Event]>,
    fields: MessageFields,
) -> MeshMessage {
    let group = Arc::new(GroupKey { id: group_id.clone(), domain: domain.clone() });
    let batch = BatchEvent {
        group: group.clone(),
        fired_by: node_id.clone(),
        events,
        timestamp: Timestamp::from_millis(0),
        recorded: Some(CallNumber { epoch: 0, call: 0 }),
    };
    MeshMessage { group, content: Content::BatchEvent(Arc::new(batch)), fields }
}

/// Counts bytes instead of keeping them.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Count {
    /// A cursor counts as the longest one, so that the limit does not move while a group grows older.
    fn cursor(&mut self, _cursor: Cursor) {
        self.0 += cursor::MAX_TEXT_LENGTH + 2;
    }
}
