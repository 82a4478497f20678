//! Firing and recording events.

use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::cursor::{Cursor, Position};
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{BatchEvent, Content, Event, MeshMessage, MessageFields};
use mesh_core::settings::REPEAT_WINDOW;
use mesh_core::store::{NewBatch, RecordedBatch};
use mesh_core::time::Timestamp;

use crate::group::Group;
use crate::keys::{self, Key};
use crate::log::{NewCall, NextCall, is_own, writers_backoff};
use crate::members::{is_fresh, lives};
use crate::store::DynamoStore;
use crate::table::{Cancelled, Change, Failure, Item, Put, TTL};

/// Where a recorded call is to be found, and what is left to do for it.
struct Note {
    place: NextCall,
    count: usize,
    nonce: String,
    /// Whether an earlier call of the same events was recorded.
    is_repeated: bool,
    /// Whether subscribers were told, as far as is known.
    is_published: bool,
}

impl DynamoStore {
    pub(crate) async fn fire(
        &self,
        now: Timestamp,
        key: &GroupKey,
        node: &Id,
        events: Arc<[Event]>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        let (group, seen) = self.group_of_member(now, key, node).await?;
        let call = NewCall::new(&group, node, events)?;
        self.note_sign_of_life(now, key, node, seen).await?;
        let place = if group.polling { Some(self.append(now, &call).await?) } else { None };
        Ok(message(call.batch(place, now), fields))
    }

    pub(crate) async fn record(
        &self,
        now: Timestamp,
        key: &GroupKey,
        node: &Id,
        sent: NewBatch,
    ) -> Result<RecordedBatch> {
        let (group, seen) = self.group_of_member(now, key, node).await?;
        let call = NewCall::new(&group, node, sent.sorted)?;
        self.note_sign_of_life(now, key, node, seen).await?;
        if !group.polling {
            self.begin_recording(now, key, &keys::group_item(key)?).await?;
        }
        let note_key = keys::note(&key.id, node, &sent.digest);
        let kept = self.append_once(now, &call, &note_key).await?;
        let news = message(call.batch(Some(kept.place), now), MessageFields::ALL);
        if !kept.is_published {
            self.publish(&news, note_key, &kept).await?;
        }
        // Right before the call: what others recorded meanwhile lies behind it.
        let position = Position { call: kept.place.number, taken: 0 };
        Ok(RecordedBatch {
            count: kept.count,
            next_since: Cursor { epoch: keys::epoch(&key.id), position, reader: None },
            message: (!kept.is_repeated).then_some(news),
        })
    }

    /// Adds a call to the log with a note of it, unless there is a note of the same call already.
    async fn append_once(&self, now: Timestamp, call: &NewCall<'_>, note_key: &Key) -> Result<Note> {
        let forgotten = now.minus(REPEAT_WINDOW);
        let mut backoff = writers_backoff();
        loop {
            let place = self.next_call(now, call.group).await?;
            let note = Put::new(note_key.clone(), self.note(call, place))
                .only_if("attribute_not_exists(pk) OR takenAt <= :forgotten")
                .value(":forgotten", forgotten);
            match self.table.put_both(note, call.put(place)).await {
                Ok(()) => {
                    let (count, nonce) = (call.events.len(), call.nonce.clone());
                    let is_published = self.publisher.is_none();
                    return Ok(Note { place, count, nonce, is_repeated: false, is_published });
                }
                Err(Cancelled::First(note)) => return read_note(&note, call),
                Err(Cancelled::Second | Cancelled::Conflict) => backoff.pause().await,
                Err(Cancelled::Store(failure)) => return Err(Error::Store(failure)),
            }
        }
    }

    fn note(&self, call: &NewCall<'_>, place: NextCall) -> Item {
        let until = place.at.plus(REPEAT_WINDOW).as_millis().div_euclid(1_000) + 1;
        let note = Item::default()
            .with("number", place.number)
            .with("takenAt", place.at)
            .with("n", call.events.len())
            .with("nonce", call.nonce.as_str())
            .with(TTL, until);
        if self.publisher.is_some() { note.with("unpublished", true) } else { note }
    }

    /// Tells subscribers, and notes that they were told. If this fails or its process dies, the next
    /// call of the same events publishes them, in the same place of the log.
    async fn publish(&self, news: &MeshMessage, note_key: Key, note: &Note) -> Result<()> {
        let Some(publisher) = &self.publisher else { return Ok(()) };
        publisher.publish(news).await.map_err(Error::Unpublished)?;
        let told = Change::of(note_key)
            .update("REMOVE unpublished")
            .only_if("nonce = :nonce")
            .value(":nonce", note.nonce.as_str());
        match self.table.update(told, ReturnValue::None).await {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The group, and when a member of it was seen last; nothing for the host, whose firing is no
    /// heartbeat.
    async fn group_of_member(
        &self,
        now: Timestamp,
        key: &GroupKey,
        node: &Id,
    ) -> Result<(Group, Option<Timestamp>)> {
        let place = keys::group_item(key)?;
        let member = keys::member(&key.id, node);
        let items = self.table.get_all([&place, &member], true).await?;
        let item_of = |key: &Key| items.iter().find(|item| item.optional_text("pk") == Some(&key.partition));
        let group = self.group_in(now, key, item_of(&place))?;
        if group.is_host(node) {
            return Ok((group, None));
        }
        let item = item_of(&member).filter(|item| lives(now, item, self.rules()));
        let item = item.ok_or_else(|| Error::NodeNotFound(node.clone()))?;
        Ok((group, Some(item.time("seen")?)))
    }

    async fn note_sign_of_life(
        &self,
        now: Timestamp,
        key: &GroupKey,
        node: &Id,
        seen: Option<Timestamp>,
    ) -> Result<()> {
        match seen {
            Some(seen) if !is_fresh(now, seen, self.rules().member_heartbeat_ttl) => {
                self.touch(now, key, node).await
            }
            _ => Ok(()),
        }
    }

    /// From now on fired events are recorded too, because the group has a member that polls.
    pub(crate) async fn begin_recording(&self, now: Timestamp, key: &GroupKey, place: &Key) -> Result<()> {
        let begin = Change::of(place.clone()).update("SET polling = :on").value(":on", true).only_if_alive(
            now,
            &key.id,
            self.rules(),
        );
        match self.table.update(begin, ReturnValue::None).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(item)) => self.group_in(now, key, item.as_ref()).map(drop),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn read_note(item: &Item, call: &NewCall<'_>) -> Result<Note> {
    Ok(Note {
        place: NextCall { number: item.number("number")?, at: item.time("takenAt")? },
        count: item.number("n")?,
        nonce: item.text("nonce")?.to_owned(),
        // The SDK may have sent again what had been done.
        is_repeated: !is_own(item, call),
        is_published: !item.is_on("unpublished"),
    })
}

fn message(batch: Arc<BatchEvent>, fields: MessageFields) -> MeshMessage {
    MeshMessage { group: batch.group.clone(), content: Content::BatchEvent(batch), fields }
}
