//! The operation `recordEventsByNode`: its arguments, its limits, its rule.

use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::cursor::Cursor;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::limits;
use crate::model::Event;
use crate::operations::{Operation, check_caller};
use crate::secret::{Caller, Secret};
use crate::settings::Settings;
use crate::store::{NewBatch, Store};

/// `recordEventsByNode`: `fireEventsByNode` for nodes without a WebSocket. The same call again within
/// ten minutes stores nothing more and answers the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordEventsByNode {
    /// The group's id.
    pub group_id: Id,
    /// The group's domain.
    pub domain: Domain,
    /// The member that records.
    pub node_id: Id,
    /// The secret that its membership is bound to.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The events.
    pub events: Arc<[Event]>,
}

/// The answer of `recordEventsByNode`.
#[derive(Clone, Debug)]
pub struct RecordEventsByNodeAnswer {
    /// The group.
    pub group: GroupKey,
    /// The events of the call.
    pub recorded_count: usize,
    /// From where the node goes on polling.
    pub next_since: Cursor,
    /// The same call was recorded before, so nothing was stored or published.
    pub is_repeated: bool,
}

impl Operation for RecordEventsByNode {
    type Output = RecordEventsByNodeAnswer;

    fn check(&self, _settings: &Settings) -> Result<()> {
        check_caller(&self.group_id, &self.domain, &self.node_id, self.secret.as_ref())?;
        limits::events(&self.events)
    }

    async fn apply<S: Store>(self, context: &Context<S>) -> Result<RecordEventsByNodeAnswer> {
        let caller = Caller::new(&self.node_id, self.secret.as_ref());
        let group = GroupKey { id: self.group_id, domain: self.domain };
        let call = NewBatch { digest: digest(&self.events), sorted: in_order(self.events) };
        let recorded = context.store.record_events(context.now(), &group, caller, call).await?;
        Ok(RecordEventsByNodeAnswer {
            group,
            recorded_count: recorded.count,
            next_since: recorded.next_since,
            is_repeated: recorded.is_repeated,
        })
    }
}

/// Sorts by orderKey, by code point, where every event has one; else leaves the order as sent.
fn in_order(mut events: Arc<[Event]>) -> Arc<[Event]> {
    if events.iter().all(|event| event.order_key.is_some()) {
        // Stable, so equal keys stay as sent. UTF-8 sorts as its code points do.
        Arc::make_mut(&mut events).sort_by(|a, b| a.order_key.cmp(&b.order_key));
    }
    events
}

/// A digest by which the same list is recognised; lengths keep neighbouring texts apart.
fn digest(events: &[Event]) -> [u8; 16] {
    let mut hash = Sha256::new();
    let mut text = |text: Option<&str>| {
        hash.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hash.update(text.unwrap_or_default());
    };
    for event in events {
        text(Some(&event.name));
        text(event.payload.as_deref());
        text(Some(event.fired_at.to_text().as_str()));
        text(event.order_key.as_deref());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn event(name: &str, order_key: Option<&str>) -> Event {
        Event {
            name: name.into(),
            payload: None,
            fired_at: Timestamp::from_millis(0),
            order_key: order_key.map(Into::into),
        }
    }

    fn names(events: Vec<Event>) -> Vec<String> {
        in_order(events.into()).iter().map(|event| event.name.clone()).collect()
    }

    #[test]
    fn sorts_by_order_key_where_every_event_has_one() {
        let all =
            vec![event("c", Some("2")), event("a", Some("")), event("b", Some("1")), event("d", Some("2"))];
        assert_eq!(names(all), ["a", "b", "c", "d"]);
        // By code point: U+FF21 comes before U+1F980, though not in UTF-16.
        assert_eq!(names(vec![event("b", Some("🦀")), event("a", Some("Ａ"))]), ["a", "b"]);
        let some = vec![event("b", Some("2")), event("a", None), event("c", Some("1"))];
        assert_eq!(names(some), ["b", "a", "c"]);
    }

    #[test]
    fn a_digest_tells_lists_apart() {
        let digest_of = |name: &str, payload: Option<&str>, key: Option<&str>| {
            digest(&[Event { payload: payload.map(Into::into), ..event(name, key) }])
        };
        let one = digest_of("a", Some("b"), None);
        assert_eq!(one, digest_of("a", Some("b"), None));
        for other in [
            digest_of("ab", Some(""), None),
            digest_of("ab", None, None),
            digest_of("a", None, Some("b")),
            digest_of("a", Some("b"), Some("")),
        ] {
            assert_ne!(one, other);
        }
    }
}
