//! The items of a recorded call: the call itself, and the receipt by which it is recognised when it
//! comes again.

use std::sync::Arc;

use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{BatchEvent, CallNumber, Event};
use mesh_core::settings::REPEAT_WINDOW;
use mesh_core::time::Timestamp;

use super::group::Group;
use super::group_id::epoch;
use super::keys;
use crate::table::{Change, Item, Key, Put, TTL};

/// The most bytes of events that one item takes; DynamoDB's own limit is 400 KB with all around them.
/// Only a fired call whose mutation selected next to nothing can have more.
const EVENT_BYTES: usize = 350 * 1_024;

/// The place of a call in its group's log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its number in the log.
    pub(crate) number: u64,
    /// When it was recorded.
    pub(crate) at: Timestamp,
}

/// A call that is to be recorded.
pub(crate) struct NewCall<'a> {
    pub(crate) group: &'a Group,
    pub(crate) node: &'a Id,
    pub(crate) events: Arc<[Event]>,
    /// The events as they are kept.
    json: String,
    /// Tells this writer's item from another's when the SDK sends a put again that had been done.
    nonce: String,
}

/// The proof that a call was recorded.
pub(crate) struct Receipt {
    pub(crate) entry: Entry,
    /// The number of its events.
    pub(crate) count: usize,
    nonce: String,
    /// True if an earlier call of the same events was recorded.
    pub(crate) is_repeated: bool,
    /// True if subscribers were told, as far as is known.
    pub(crate) is_published: bool,
}

impl<'a> NewCall<'a> {
    /// A call of that node, unless its events are too large to be kept.
    pub(crate) fn new(group: &'a Group, node: &'a Id, events: Arc<[Event]>) -> Result<Self> {
        let json = serde_json::to_string(&*events).map_err(|error| Error::Store(error.into()))?;
        if json.len() > EVENT_BYTES {
            let bytes = json.len();
            return Err(Error::invalid(format!(
                "the events have {bytes} bytes, at most {EVENT_BYTES} can be recorded: send them in smaller parts"
            )));
        }
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| Error::Store(error.into()))?;
        Ok(Self { group, node, events, json, nonce: format!("{:x}", u128::from_be_bytes(nonce)) })
    }

    /// Puts the call in that entry of the log, if no other call is there.
    pub(crate) fn put(&self, entry: Entry) -> Put {
        let item = Item::default()
            .with("firedBy", self.node.as_str())
            .with("recordedAt", entry.at)
            .with("eventCount", self.events.len())
            .with("events", self.json.as_str())
            .with("nonce", self.nonce.as_str())
            .with(TTL, self.group.ttl());
        Put::new(keys::call(&self.group.record.key.id, entry.number), item)
    }

    /// Puts the receipt of the call in that entry, if the same call was not recorded lately.
    pub(crate) fn put_receipt(&self, now: Timestamp, key: Key, entry: Entry, is_published: bool) -> Put {
        let until = entry.at.plus(REPEAT_WINDOW).as_millis().div_euclid(1_000) + 1;
        let receipt = Item::default()
            .with("callNumber", entry.number)
            .with("recordedAt", entry.at)
            .with("eventCount", self.events.len())
            .with("nonce", self.nonce.as_str())
            .with(TTL, until);
        let receipt = if is_published { receipt } else { receipt.with("unpublished", true) };
        Put::new(key, receipt)
            .only_if("attribute_not_exists(pk) OR recordedAt <= :forgotten")
            .value(":forgotten", now.minus(REPEAT_WINDOW))
    }

    /// The receipt of this call.
    pub(crate) fn receipt(&self, entry: Entry, is_published: bool) -> Receipt {
        let (count, nonce) = (self.events.len(), self.nonce.clone());
        Receipt { entry, count, nonce, is_repeated: false, is_published }
    }

    /// The message's content: the call as it was recorded, or as it was fired now.
    pub(crate) fn batch(&self, entry: Option<Entry>, now: Timestamp) -> Arc<BatchEvent> {
        let group = self.group.record.key.clone();
        let epoch = epoch(&group.id);
        Arc::new(BatchEvent {
            recorded: entry.map(|entry| CallNumber { epoch, call: entry.number }),
            group,
            fired_by: self.node.clone(),
            events: self.events.clone(),
            timestamp: entry.map_or(now, |entry| entry.at),
        })
    }

    /// True if an item was put by this very call.
    pub(crate) fn has_put(&self, item: &Item) -> bool {
        item.optional_text("nonce") == Some(&self.nonce)
    }
}

impl Receipt {
    /// Reads the receipt that a call finds.
    pub(crate) fn read(item: &Item, call: &NewCall<'_>) -> Result<Self> {
        Ok(Self {
            entry: Entry { number: item.number("callNumber")?, at: item.time("recordedAt")? },
            count: item.number("eventCount")?,
            nonce: item.text("nonce")?.to_owned(),
            // The SDK may have sent again what had been done.
            is_repeated: !call.has_put(item),
            is_published: !item.is_on("unpublished"),
        })
    }

    /// Notes in the receipt that subscribers were told.
    pub(crate) fn published(&self, key: Key) -> Change {
        Change::of(key)
            .update("REMOVE unpublished")
            .only_if("nonce = :nonce")
            .value(":nonce", self.nonce.as_str())
    }
}

/// The number of a call's item.
pub(crate) fn number_of(item: &Item) -> Result<u64> {
    keys::call_number(item.text("sk")?).ok_or_else(|| Error::Store("a recorded call has no number".into()))
}

/// When a call was recorded.
pub(crate) fn recorded_at(item: &Item) -> Result<Timestamp> {
    item.time("recordedAt")
}

/// The number of a call's events.
pub(crate) fn event_count(item: &Item) -> Result<usize> {
    item.number("eventCount")
}

/// Bytes of a call's events, as they are kept.
pub(crate) fn bytes_of_events(item: &Item) -> usize {
    item.optional_text("events").map_or(0, str::len)
}

/// Reads a call back.
pub(crate) fn batch_of(item: &Item, group: &Arc<GroupKey>) -> Result<BatchEvent> {
    let events: Vec<Event> =
        serde_json::from_str(item.text("events")?).map_err(|error| Error::Store(error.into()))?;
    Ok(BatchEvent {
        group: group.clone(),
        fired_by: Id::from(item.text("firedBy")?),
        events: events.into(),
        timestamp: recorded_at(item)?,
        recorded: Some(CallNumber { epoch: epoch(&group.id), call: number_of(item)? }),
    })
}
