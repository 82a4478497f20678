//! Pages of recorded events.

use crate::limits::{EVENTS_IN_ANSWER, PAGE_BYTES};
use crate::model::{BatchEvent, Event};

/// Bytes of an event in an answer beside its texts: names of fields, times, a cursor.
const FRAME_BYTES: usize = 256;

/// The room that is left in one answer to a poll: at most [`EVENTS_IN_ANSWER`] events, and
/// [`PAGE_BYTES`] of them. The first event of a page always fits.
///
/// ```
/// use std::sync::Arc;
/// use mesh_core::id::{Domain, GroupKey, Id};
/// use mesh_core::model::{BatchEvent, Event, PageRoom};
/// use mesh_core::time::Timestamp;
///
/// let event = Event {
///     name: "jump".into(),
///     payload: Some("x".repeat(400 * 1_024)),
///     fired_at: Timestamp::from_millis(0),
///     order_key: None,
/// };
/// let batch = BatchEvent {
///     group: Arc::new(GroupKey { id: Id::from("g"), domain: Domain::from("d") }),
///     fired_by: Id::from("n"),
///     events: vec![event; 4].into(),
///     timestamp: Timestamp::from_millis(0),
///     recorded: None,
/// };
/// let mut room = PageRoom::default();
/// assert_eq!(room.take(&batch, 1), 2);
/// assert!(room.is_full());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PageRoom {
    events: usize,
    bytes: usize,
}

impl Default for PageRoom {
    /// The room of an empty page.
    fn default() -> Self {
        Self { events: EVENTS_IN_ANSWER, bytes: PAGE_BYTES }
    }
}

impl PageRoom {
    /// True once an event did not fit: no later one may be taken.
    pub fn is_full(&self) -> bool {
        self.events == 0
    }

    /// Takes the events of a call from number `first` on, in order, while they fit. Returns how many.
    pub fn take(&mut self, batch: &BatchEvent, first: usize) -> usize {
        let ids = [batch.group.id.as_str(), batch.group.domain.as_str(), batch.fired_by.as_str()];
        let frame = FRAME_BYTES + ids.into_iter().map(json_bytes).sum::<usize>();
        let mut taken = 0;
        for event in batch.events.get(first..).unwrap_or_default() {
            let bytes = frame + event_bytes(event);
            let is_first = self.bytes == PAGE_BYTES;
            if self.events == 0 || (bytes > self.bytes && !is_first) {
                self.events = 0;
                break;
            }
            self.events -= 1;
            self.bytes = self.bytes.saturating_sub(bytes);
            taken += 1;
        }
        taken
    }
}

fn event_bytes(event: &Event) -> usize {
    let texts = [Some(&event.name), event.payload.as_ref(), event.order_key.as_ref()];
    texts.into_iter().flatten().map(|text| json_bytes(text)).sum()
}

/// Bytes of a text in JSON, at most.
fn json_bytes(text: &str) -> usize {
    let extra = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(extra).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Domain, GroupKey, Id};
    use crate::time::Timestamp;

    fn batch(payloads: &[&str]) -> BatchEvent {
        let event = |payload: &&str| Event {
            name: String::new(),
            payload: Some((*payload).to_owned()),
            fired_at: Timestamp::from_millis(0),
            order_key: None,
        };
        BatchEvent {
            group: GroupKey { id: Id::from("g"), domain: Domain::from("d") }.into(),
            fired_by: Id::from("n"),
            events: payloads.iter().map(event).collect(),
            timestamp: Timestamp::from_millis(0),
            recorded: None,
        }
    }

    #[test]
    fn a_page_has_a_hundred_events() {
        let (small, mut room) = (batch(&[""; 70]), PageRoom::default());
        assert_eq!((room.take(&small, 0), room.take(&small, 0), room.take(&small, 0)), (70, 30, 0));
        assert!(room.is_full());
    }

    #[test]
    fn a_page_ends_before_its_bytes_do() {
        let third = "x".repeat(PAGE_BYTES / 3);
        let (large, mut room) = (batch(&[third.as_str(); 3]), PageRoom::default());
        assert_eq!(room.take(&large, 0), 2);
        assert!(room.is_full());
        // A later one that would fit must wait: the cursor is behind the last one taken.
        assert_eq!(room.take(&batch(&[""]), 0), 0);
    }

    #[test]
    fn a_text_counts_as_its_json() {
        for text in ["", "a", "\"\\", "\n\u{1}\u{7f}", "値😀"] {
            let json = serde_json::to_string(text).unwrap().len() - 2;
            assert!((json..=6 * json).contains(&json_bytes(text)), "{text:?}");
        }
    }

    #[test]
    fn the_first_event_always_fits() {
        let (huge, mut room) = (batch(&["\u{1}".repeat(PAGE_BYTES).as_str()]), PageRoom::default());
        assert_eq!(room.take(&huge, 0), 1);
        assert_eq!(room.take(&huge, 0), 0);
    }
}
