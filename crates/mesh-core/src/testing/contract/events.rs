//! The contract of firing and recording events.

use futures_util::future::join_all;

use super::{cases, refusal};
use crate::model::{Content, Event, MeshMessage};
use crate::store::Store;
use crate::testing::{Harness, event};
use crate::time::Timestamp;

/// Firing and recording.
pub async fn events<S: Store>(make: impl AsyncFn() -> Harness<S>) {
    cases!(
        make,
        a_batch_keeps_what_was_fired,
        calls_are_limited,
        a_recorded_call_is_sorted_once,
        the_same_call_is_recorded_once,
        equal_calls_of_others_are_other_calls,
        simultaneous_equal_calls_are_one,
        fired_events_are_heard_by_pollers,
    );
}

fn batch(message: MeshMessage) -> std::sync::Arc<crate::model::BatchEvent> {
    match message.content {
        Content::BatchEvent(batch) => batch,
        other => panic!("events are answered by a batch, not by {other:?}"),
    }
}

fn keyed(name: &str, order_key: &str) -> Event {
    let fired_at = Timestamp::parse("2020-02-02T02:02:02.002Z").unwrap();
    Event { name: name.into(), payload: Some(String::new()), fired_at, order_key: Some(order_key.into()) }
}

async fn a_batch_keeps_what_was_fired<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    let events =
        vec![keyed("b", "2"), event("", room.now()), Event { payload: Some("値".into()), ..keyed("a", "1") }];
    let batch = batch(room.fire(&key, "host", events.clone()).await.unwrap());
    assert_eq!(&batch.events[..], &events[..], "the order is as sent");
    assert_eq!((batch.fired_by.as_str(), &*batch.group), ("host", &key));
    assert_eq!(batch.timestamp, room.now().wall);
}

async fn calls_are_limited<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let many = |count| vec![event("e", room.now()); count];
    for count in [0, 1_001] {
        assert_eq!(refusal(room.fire(&key, "host", many(count)).await).0, "ValidationError");
        assert_eq!(refusal(room.record(&key, "host", many(count)).await).0, "ValidationError");
    }
    room.fire(&key, "host", many(1_000)).await.unwrap();
    let recorded = room.record(&key, "host", many(1_000)).await.unwrap();
    assert_eq!(recorded.recorded_count, 1_000);
}

async fn a_recorded_call_is_sorted_once<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let call = vec![keyed("c", "3"), keyed("a", ""), keyed("b", "1#"), keyed("d", "3")];
    let record = room.record(&key, "poller", call).await.unwrap();
    assert_eq!((record.recorded_count, &record.group), (4, &key));
    assert!(!record.is_repeated);
    let kept = room.poll(&key, "").await.unwrap().events;
    let recorded = &kept[0].batch;
    assert_eq!(recorded.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(recorded.timestamp, room.now().wall);
    room.record(&key, "poller", vec![keyed("z", "9"), event("y", room.now())]).await.unwrap();
    room.record(&key, "host", vec![keyed("x", "0")]).await.unwrap();
    // Sorted within a call, never across calls.
    assert_eq!(room.names_since(&key, "").await, ["a", "b", "c", "d", "z", "y", "x"]);
}

async fn the_same_call_is_recorded_once<S: Store>(room: Harness<S>) {
    let key = room.create_as("school", "host", "host", None, Some(false)).await.unwrap().key();
    let first = room.record(&key, "host", vec![keyed("a", "1"), keyed("b", "2")]).await.unwrap();
    room.clock.advance_seconds(20);
    let again = room.record(&key, "host", vec![keyed("a", "1"), keyed("b", "2")]).await.unwrap();
    assert!(again.is_repeated);
    assert_eq!((again.recorded_count, again.next_since), (first.recorded_count, first.next_since));
    assert_eq!(room.names_since(&key, "").await, ["a", "b"]);
    // Another list is another call, be it the same events in another order.
    room.record(&key, "host", vec![keyed("b", "2"), keyed("a", "1")]).await.unwrap();
    assert_eq!(room.names_since(&key, "").await, ["a", "b", "a", "b"]);
    for _ in 0..5 {
        room.clock.advance_seconds(100);
        room.renew(&key, "host").await.unwrap();
    }
    let still = room.record(&key, "host", vec![keyed("a", "1"), keyed("b", "2")]).await.unwrap();
    assert!(still.is_repeated, "within ten minutes");
    room.clock.advance_seconds(100);
    room.renew(&key, "host").await.unwrap();
    let anew = room.record(&key, "host", vec![keyed("a", "1"), keyed("b", "2")]).await.unwrap();
    assert!(!anew.is_repeated, "after ten minutes");
}

async fn equal_calls_of_others_are_other_calls<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let other = room.create_with_poller("other").await;
    let call = || vec![keyed("a", "1")];
    for (group, node) in [(&key, "host"), (&key, "poller"), (&other, "poller")] {
        assert!(!room.record(group, node, call()).await.unwrap().is_repeated);
    }
    assert_eq!(room.names_since(&key, "").await, ["a", "a"]);
    assert_eq!(room.names_since(&other, "").await, ["a"]);
}

async fn simultaneous_equal_calls_are_one<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let calls = (0..5).map(|_| room.record(&key, "host", vec![keyed("a", "1"), keyed("b", "2")]));
    let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.is_repeated).count(), 1);
    assert!(answers.iter().all(|answer| answer.recorded_count == 2));
    assert_eq!(room.names_since(&key, "").await, ["a", "b"]);
}

async fn fired_events_are_heard_by_pollers<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let fired = batch(room.fire_names(&key, "host", &["b", "a"]).await.unwrap());
    room.fire_names(&key, "host", &["b", "a"]).await.expect("repeated fires are not compared");
    let heard = room.events_since(&key, "").await;
    assert_eq!(heard.iter().map(|heard| &*heard.name).collect::<Vec<_>>(), ["b", "a", "b", "a"]);
    assert!(heard.iter().all(|heard| heard.from == "host"));
    // The live message says where the event stands in the log.
    assert_eq!(fired.cursor_behind(1, None).expect("recorded").to_string(), heard[1].cursor);
}
