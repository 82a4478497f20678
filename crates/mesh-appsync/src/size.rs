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
use mesh_core::model::{BatchEvent, CallNumber, Content, Event, MeshMessage, MessageFields, NodeStatus};
use mesh_core::operations::{FireEventsByNode, RecordEventsByNode, ReportStatus};
use mesh_core::time::Timestamp;

use crate::selection::{Part, Selection, Sink};

/// The text around the message in a subscriber's frame.
const AROUND: &str = r#"{"data":{"onMessageInGroup":}}"#;

static WHOLE_MESSAGE: LazyLock<Selection> = LazyLock::new(Selection::of_message);

/// Refuses a report whose live message would be too large.
///
/// # Errors
///
/// [`Error::Invalid`](mesh_core::Error::Invalid) if it would be over 240 KB.
pub fn check_report(report: &ReportStatus) -> Result<()> {
    let texts = report.data.iter().map(|item| item.key.len() + item.value.len()).sum();
    let bound = bound(&report.group_id, &report.domain, &report.node_id, report.data.len(), texts);
    if bound <= limits::MESSAGE_BYTES {
        return Ok(());
    }
    let group = group(&report.group_id, &report.domain);
    let status = NodeStatus {
        node_id: report.node_id.clone(),
        group: group.clone(),
        data: report.data.clone(),
        // Every timestamp has the same length.
        timestamp: Timestamp::from_millis(0),
    };
    check(group, Content::NodeStatus(status), report.fields)
}

/// Refuses events whose live message would be too large.
///
/// # Errors
///
/// [`Error::Invalid`](mesh_core::Error::Invalid) if it would be over 240 KB.
pub fn check_fire(fire: &FireEventsByNode) -> Result<()> {
    check_events(&fire.group_id, &fire.domain, &fire.node_id, &fire.events, fire.fields)
}

/// Refuses events whose live message would be too large. No client's selection shapes what a recorded
/// call publishes, so it is measured with every field.
///
/// # Errors
///
/// [`Error::Invalid`](mesh_core::Error::Invalid) if it would be over 240 KB.
pub fn check_record(record: &RecordEventsByNode) -> Result<()> {
    check_events(&record.group_id, &record.domain, &record.node_id, &record.events, MessageFields::ALL)
}

fn check_events(
    group_id: &Id,
    domain: &Domain,
    node_id: &Id,
    events: &Arc<[Event]>,
    fields: MessageFields,
) -> Result<()> {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let texts =
        events.iter().map(|event| event.name.len() + text(&event.payload) + text(&event.order_key)).sum();
    if bound(group_id, domain, node_id, events.len(), texts) <= limits::MESSAGE_BYTES {
        return Ok(());
    }
    let group = group(group_id, domain);
    let batch = BatchEvent {
        group: group.clone(),
        fired_by: node_id.clone(),
        events: events.clone(),
        timestamp: Timestamp::from_millis(0),
        recorded: Some(CallNumber { epoch: 0, call: 0 }),
    };
    check(group, Content::BatchEvent(Arc::new(batch)), fields)
}

/// More bytes than a message can have whose items have so many bytes of texts: most messages are so small
/// that they need not be counted.
pub(crate) fn bound(group_id: &Id, domain: &Domain, node_id: &Id, items: usize, texts: usize) -> usize {
    // A byte of a text takes six at most (\u0000), and an item less than this beside its texts.
    const ESCAPED: usize = 6;
    const AROUND_ITEM: usize = 300;
    let ids = group_id.as_str().len() + domain.as_str().len() + node_id.as_str().len();
    ESCAPED * texts + (items + 2) * (AROUND_ITEM + ESCAPED * ids)
}

fn check(group: Arc<GroupKey>, content: Content, fields: MessageFields) -> Result<()> {
    limits::message(bytes_of(&MeshMessage { group, content, fields }))
}

fn group(id: &Id, domain: &Domain) -> Arc<GroupKey> {
    Arc::new(GroupKey { id: id.clone(), domain: domain.clone() })
}

/// The bytes of a message as a subscriber gets it that selects what the mutation selected.
pub fn bytes_of(message: &MeshMessage) -> usize {
    let mut count = Count(AROUND.len());
    WHOLE_MESSAGE.write(&mut count, message, Part::Only(message.fields));
    count.0
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
