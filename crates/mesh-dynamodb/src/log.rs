//! A group's log of recorded calls.
//!
//! Calls are numbered without a gap, whatever the writers' clocks say: number k + 1 is put by one who
//! has read number k, and only if nobody else has put it. A call's time is its writer's, but never
//! before the time of the call it follows. The log outlives its group: were its last call deleted,
//! the numbers would begin again.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{BatchEvent, CallNumber, Event};
use mesh_core::time::Timestamp;

use crate::backoff::Backoff;
use crate::group::Group;
use crate::keys;
use crate::store::DynamoStore;
use crate::table::{Failure, Item, Put, TTL};

/// The most bytes of events that one item takes; DynamoDB's own limit is 400 KB with all around them.
/// Only a fired call whose mutation selected next to nothing can have more.
const EVENT_BYTES: usize = 350 * 1_024;

/// The first pause of a writer whose number was taken.
const PAUSE: Duration = Duration::from_millis(5);

/// A place at the end of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextCall {
    pub(crate) number: u64,
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
    pub(crate) nonce: String,
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

    /// The call in that place of the log.
    pub(crate) fn put(&self, next: NextCall) -> Put {
        let item = Item::default()
            .with("node", self.node.as_str())
            .with("takenAt", next.at)
            .with("n", self.events.len())
            .with("events", self.json.as_str())
            .with("nonce", self.nonce.as_str())
            .with(TTL, self.group.ttl());
        Put::new(keys::call(&self.group.record.key.id, next.number), item)
    }

    /// What is told of the call.
    pub(crate) fn batch(&self, place: Option<NextCall>, now: Timestamp) -> Arc<BatchEvent> {
        let group = self.group.record.key.clone();
        let epoch = keys::epoch(&group.id);
        Arc::new(BatchEvent {
            recorded: place.map(|place| CallNumber { epoch, call: place.number }),
            group,
            fired_by: self.node.clone(),
            events: self.events.clone(),
            timestamp: place.map_or(now, |place| place.at),
        })
    }
}

impl DynamoStore {
    /// The place behind the last call of a group.
    pub(crate) async fn next_call(&self, now: Timestamp, group: &Group) -> Result<NextCall> {
        let log = self.table.query(keys::group(&group.record.key.id), 1).with_prefix(keys::CALL);
        let last = log.backwards().only("sk, takenAt").next().await?;
        let Some(last) = last.unwrap_or_default().pop() else { return Ok(NextCall { number: 0, at: now }) };
        let at = last.time("takenAt")?;
        Ok(NextCall { number: number_of(&last)? + 1, at: now.max(at) })
    }

    /// Adds a call to its group's log, in the next place that nobody else takes.
    pub(crate) async fn append(&self, now: Timestamp, call: &NewCall<'_>) -> Result<NextCall> {
        let mut backoff = writers_backoff();
        loop {
            let next = self.next_call(now, call.group).await?;
            match self.table.put(call.put(next)).await {
                Ok(()) => return Ok(next),
                Err(Failure::Refused(Some(there))) if is_own(&there, call) => return Ok(next),
                Err(Failure::Refused(_) | Failure::Conflict) => backoff.pause().await,
                Err(failure) => return Err(failure.into()),
            }
        }
    }
}

/// Pauses between the tries of a writer whose number was taken. There is no limit to the tries but
/// the verb's time: each means that another call was recorded.
pub(crate) fn writers_backoff() -> Backoff {
    Backoff::from(PAUSE)
}

/// Whether an item was put by this very call.
pub(crate) fn is_own(item: &Item, call: &NewCall<'_>) -> bool {
    item.optional_text("nonce") == Some(&call.nonce)
}

/// The number of a call's item.
pub(crate) fn number_of(item: &Item) -> Result<u64> {
    keys::call_number(item.text("sk")?).ok_or_else(|| Error::Store("a recorded call has no number".into()))
}

/// Reads a call back.
pub(crate) fn batch_of(item: &Item, group: &Arc<GroupKey>) -> Result<BatchEvent> {
    let events: Vec<Event> =
        serde_json::from_str(item.text("events")?).map_err(|error| Error::Store(error.into()))?;
    Ok(BatchEvent {
        group: group.clone(),
        fired_by: Id::from(item.text("node")?),
        events: events.into(),
        timestamp: item.time("takenAt")?,
        recorded: Some(CallNumber { epoch: keys::epoch(&group.id), call: number_of(item)? }),
    })
}
