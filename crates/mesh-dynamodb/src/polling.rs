//! Reading the log of recorded events.

use std::collections::VecDeque;
use std::sync::Arc;

use mesh_core::cursor::{Cursor, Position, Since};
use mesh_core::error::Result;
use mesh_core::id::GroupKey;
use mesh_core::limits::{EVENTS_IN_ANSWER, PAGE_BYTES};
use mesh_core::model::{EventSlice, PageRoom};
use mesh_core::settings::{SINCE_LOOK_BACK, elapsed};
use mesh_core::store::EventPage;
use mesh_core::time::Timestamp;

use crate::items::call::{batch_of, bytes_of_events, event_count, number_of, recorded_at};
use crate::items::group_id::epoch;
use crate::items::keys;
use crate::log::begin_recording;
use crate::lookup::read_group;
use crate::store::DynamoStore;
use crate::table::Item;

/// Calls of one page: most polls find fewer, and a call may have 240 KB.
const PAGE: i32 = 25;

/// Calls in the order recorded.
#[derive(Default)]
struct Calls {
    queue: VecDeque<Call>,
    /// The number of their events that the reader wants.
    events: usize,
    /// Bytes of all their events, at least.
    bytes: usize,
}

struct Call {
    item: Item,
    /// The number of its events that the reader knows.
    known: usize,
    /// The number of all its events.
    count: usize,
}

pub(crate) async fn events_since(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    since: Since,
) -> Result<EventPage> {
    let (group, item_key) = read_group(store, now, key).await?;
    let epoch = epoch(&key.id);
    if !group.has_pollers {
        // Nothing was recorded, so no cursor was given out.
        if matches!(since, Since::Cursor(cursor) if cursor.epoch == epoch) {
            return Err(Since::beyond_the_end());
        }
        begin_recording(store, now, key, &item_key).await?;
    }
    let (calls, complete) = match since {
        Since::Cursor(Cursor { epoch: own, position, .. }) if own == epoch => {
            match calls_behind(store, now, key, position).await? {
                Some(calls) => (calls, true),
                None => (kept_calls(store, now, key, None).await?.0, false),
            }
        }
        Since::Cursor(_) => (kept_calls(store, now, key, None).await?.0, false),
        Since::Everything => {
            let (calls, older) = kept_calls(store, now, key, None).await?;
            (calls, older.is_none())
        }
        Since::Time(time) => {
            let oldest = time.minus(SINCE_LOOK_BACK);
            let (calls, older) = kept_calls(store, now, key, Some(oldest)).await?;
            (calls, older.is_none_or(|at| at < time || is_kept(store, now, at)))
        }
    };
    Ok(EventPage { events: calls.slices(&group.record.key)?, complete })
}

/// Calls with events behind a position, enough for an answer. Returns `None` when some of these events
/// are no longer kept. A position beyond the last call is refused: the last call stays as long as its group.
async fn calls_behind(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    position: Position,
) -> Result<Option<Calls>> {
    let (first, last) = (keys::call_sort(position.call), keys::call_sort(u64::MAX >> 16));
    let mut log = store.table.query(keys::group(&key.id), PAGE).between(&first, &last);
    let mut calls = Calls::default();
    let mut exists = position == Position::default();
    while !calls.fill_a_page()
        && let Some(page) = log.next().await?
    {
        for item in page {
            let is_first = number_of(&item)? == position.call;
            let call = Call::new(item, if is_first { position.taken as usize } else { 0 })?;
            exists |= !is_first || call.known <= call.count;
            if call.wanted() == 0 {
                continue;
            }
            // Times rise with the numbers, so the oldest call tells.
            if calls.events == 0 && !is_kept(store, now, call.at()?) {
                return Ok(None);
            }
            calls.push_newer(call);
        }
    }
    if exists { Ok(Some(calls)) } else { Err(Since::beyond_the_end()) }
}

/// The oldest calls that are kept and not older than `oldest`, enough for an answer; and the time of
/// the newest call that was left out for its age.
async fn kept_calls(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    oldest: Option<Timestamp>,
) -> Result<(Calls, Option<Timestamp>)> {
    let mut log = store.table.query(keys::group(&key.id), PAGE).with_prefix(keys::CALL).backwards();
    let mut calls = Calls::default();
    while let Some(page) = log.next().await? {
        for item in page {
            let call = Call::new(item, 0)?;
            let at = call.at()?;
            if oldest.is_some_and(|oldest| at < oldest) || !is_kept(store, now, at) {
                return Ok((calls, Some(at)));
            }
            calls.push_older(call);
        }
    }
    Ok((calls, None))
}

fn is_kept(store: &DynamoStore, now: Timestamp, at: Timestamp) -> bool {
    store.lifetimes().keeps_event(elapsed(at, now))
}

impl Call {
    fn new(item: Item, known: usize) -> Result<Self> {
        let count = event_count(&item)?;
        Ok(Self { item, known, count })
    }

    fn at(&self) -> Result<Timestamp> {
        recorded_at(&self.item)
    }

    /// Bytes of its events that the reader does not know; none if it knows some of them.
    fn bytes(&self) -> usize {
        if self.known == 0 { bytes_of_events(&self.item) } else { 0 }
    }

    fn wanted(&self) -> usize {
        self.count.saturating_sub(self.known)
    }
}

impl Calls {
    /// True if no page can have more than these.
    fn fill_a_page(&self) -> bool {
        self.events >= EVENTS_IN_ANSWER || self.bytes >= PAGE_BYTES
    }

    fn push_newer(&mut self, call: Call) {
        self.add(&call);
        self.queue.push_back(call);
    }

    /// Adds an older call, and forgets newer ones that the answer has no room for.
    fn push_older(&mut self, call: Call) {
        self.add(&call);
        self.queue.push_front(call);
        while let Some(newest) = self.queue.pop_back() {
            self.remove(&newest);
            if !self.fill_a_page() {
                self.add(&newest);
                self.queue.push_back(newest);
                break;
            }
        }
    }

    fn add(&mut self, call: &Call) {
        self.events += call.wanted();
        self.bytes += call.bytes();
    }

    fn remove(&mut self, call: &Call) {
        self.events -= call.wanted();
        self.bytes -= call.bytes();
    }

    /// The first events, as many as a page has.
    fn slices(&self, group: &Arc<GroupKey>) -> Result<Vec<EventSlice>> {
        let mut room = PageRoom::default();
        let mut slices = Vec::new();
        for call in &self.queue {
            if room.is_full() {
                break;
            }
            let batch = Arc::new(batch_of(&call.item, group)?);
            let range = call.known..call.known + room.take(&batch, call.known);
            if !range.is_empty() {
                slices.push(EventSlice { batch, range, reader: None });
            }
        }
        Ok(slices)
    }
}
