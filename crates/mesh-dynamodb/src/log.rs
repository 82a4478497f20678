//! A group's log of recorded calls.
//!
//! Calls are numbered without a gap, whatever the writers' clocks say: number k + 1 is put by one who
//! has read number k, and only if nobody else has put it. A call's time is its writer's, but never
//! before the time of the call it follows. The log outlives its group: were its last call deleted,
//! the numbers would begin again.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::GroupKey;
use mesh_core::time::Timestamp;

use crate::backoff::Backoff;
use crate::items::call::{Entry, NewCall, Receipt, number_of, recorded_at};
use crate::items::group::Group;
use crate::items::keys;
use crate::lookup::group_in;
use crate::store::DynamoStore;
use crate::table::{Cancelled, Change, Failure, Key};

/// The first pause of a writer whose number was taken.
const PAUSE: Duration = Duration::from_millis(5);

/// Pauses between the tries of a writer whose number was taken. There is no limit to the tries but
/// the verb's timeout: each means that another call was recorded.
fn writers_backoff() -> Backoff {
    Backoff::from(PAUSE)
}

/// Records fired events too from now on, because the group has a member that polls.
pub(crate) async fn begin_recording(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    item_key: &Key,
) -> Result<()> {
    let begin = Change::of(item_key.clone()).update("SET hasPollers = :on").value(":on", true).only_if_alive(
        now,
        &key.id,
        store.lifetimes(),
    );
    match store.table.update(begin, ReturnValue::None).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(item)) => group_in(store, now, key, item.as_ref()).map(drop),
        Err(failure) => Err(failure.into()),
    }
}

/// The entry behind the last call of a group.
async fn next_entry(store: &DynamoStore, now: Timestamp, group: &Group) -> Result<Entry> {
    let log = store.table.query(keys::group(&group.record.key.id), 1).with_prefix(keys::CALL);
    let last = log.backwards().only("sk, recordedAt").next().await?;
    let Some(last) = last.unwrap_or_default().pop() else { return Ok(Entry { number: 0, at: now }) };
    let at = recorded_at(&last)?;
    Ok(Entry { number: number_of(&last)? + 1, at: now.max(at) })
}

/// Adds a call to its group's log, in the next entry that nobody else takes.
pub(crate) async fn append(store: &DynamoStore, now: Timestamp, call: &NewCall<'_>) -> Result<Entry> {
    let mut backoff = writers_backoff();
    loop {
        let next = next_entry(store, now, call.group).await?;
        match store.table.put(call.put(next)).await {
            Ok(()) => return Ok(next),
            Err(Failure::Refused(Some(there))) if call.has_put(&there) => return Ok(next),
            Err(Failure::Refused(_) | Failure::Conflict) => backoff.pause().await,
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Adds a call to the log with its receipt, unless there is a receipt of the same call already.
pub(crate) async fn append_once(
    store: &DynamoStore,
    now: Timestamp,
    call: &NewCall<'_>,
    receipt_key: &Key,
) -> Result<Receipt> {
    let is_published = store.publisher.is_none();
    let mut backoff = writers_backoff();
    loop {
        let next = next_entry(store, now, call.group).await?;
        let receipt = call.put_receipt(now, receipt_key.clone(), next, is_published);
        match store.table.put_both(receipt, call.put(next)).await {
            Ok(()) => return Ok(call.receipt(next, is_published)),
            Err(Cancelled::First(receipt)) => return Receipt::read(&receipt, call),
            Err(Cancelled::Second | Cancelled::Conflict) => backoff.pause().await,
            Err(Cancelled::Store(failure)) => return Err(Error::Store(failure)),
        }
    }
}
