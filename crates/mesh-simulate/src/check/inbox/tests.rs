//! Deliveries that are lost, doubled, late, reordered or damaged, and those that are right.

use std::sync::Arc;

use mesh_core::time::Timestamp;
use serde_json::json;

use super::super::Frame;
use super::{Event, Inbox, Room};
use crate::batch::{Batch, payload};
use crate::check::Faults;
use crate::client::Group;

/// A group of two, whose first node sent a report at each of the times 10, 20, 30 ..., each due five before, answered
/// at once.
fn room(reports: u64) -> Arc<Room> {
    let group = Group { id: "g".into(), domain: "d".into() };
    let room = Room::new(3, group, vec!["ann".into(), "bob".into()]);
    let mut outbox = room.outboxes[0].lock();
    for number in 1..=reports {
        let sent = outbox.send(number * 10 - 5, number * 10, None);
        outbox.answered(sent, number * 10 + 1);
    }
    drop(outbox);
    room.into()
}

fn report(number: usize) -> String {
    let data = json!([{"key": "score", "value": number.to_string()}]);
    frame(&json!({"groupId": "g", "domain": "d", "nodeStatus": {"nodeId": "ann", "data": data}}))
}

fn frame(message: &serde_json::Value) -> String {
    json!({"id": "1", "type": "data", "payload": {"data": {"onMessageInGroup": message}}}).to_string()
}

/// The faults that a receiver finds in a stream of frames, of the reports that `room` sent.
fn faults_of(room: &Arc<Room>, frames: &[String]) -> Faults {
    let mut inbox = Inbox::new(room.clone(), 0, false);
    for frame in frames {
        let frame: Frame = serde_json::from_str(frame).unwrap();
        assert_eq!(frame.kind, "data");
        inbox.take(&frame.into_message().unwrap());
    }
    inbox.close(1_000)
}

fn reports(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| report(*number)).collect()
}

#[test]
fn a_right_stream_has_no_faults() {
    assert_eq!(faults_of(&room(3), &reports(&[0, 1, 2])), Faults::default());
}

#[test]
fn faulty_streams_are_found() {
    let none = Faults::default();
    for (numbers, faults) in [
        (&[0, 2][..], Faults { lost: 1, ..none }),
        (&[], Faults { lost: 3, ..none }),
        (&[0, 1, 1, 2, 0], Faults { doubled: 2, ..none }),
        (&[1, 0, 2], Faults { reordered: 1, ..none }),
        (&[2, 0, 1], Faults { reordered: 2, ..none }),
        (&[1, 0, 0], Faults { reordered: 1, doubled: 1, lost: 1, ..none }),
        // Nobody sent a fourth.
        (&[0, 1, 2, 3], Faults { damaged: 1, ..none }),
    ] {
        assert_eq!(faults_of(&room(3), &reports(numbers)), faults, "{numbers:?}");
    }
}

#[test]
fn what_belongs_elsewhere_is_a_leak() {
    let right = report(0);
    for wrong in [
        right.replace(r#""groupId":"g""#, r#""groupId":"h""#),
        right.replace(r#""domain":"d""#, r#""domain":"e""#),
        right.replace(r#""nodeId":"ann""#, r#""nodeId":"eve""#),
    ] {
        let faults = faults_of(&room(1), &[right.clone(), wrong.clone()]);
        assert_eq!(faults, Faults { leaked: 1, ..Faults::default() }, "{wrong}");
    }
}

#[test]
fn what_nobody_sent_is_damaged() {
    let right = report(0);
    let event = json!({"payload": "0", "timestamp": "2026-11-23T09:00:00.000Z"});
    for wrong in [
        right.replace(r#""value":"0""#, r#""value":"O""#),
        right.replace(r#""nodeId":"ann""#, r#""nodeId":"bob""#),
        frame(
            &json!({"groupId": "g", "domain": "d", "batchEvent": {"firedByNodeId": "ann", "events": [event]}}),
        ),
        frame(&json!({"groupId": "g", "domain": "d", "groupDissolve": {"message": "dissolved"}})),
    ] {
        let faults = faults_of(&room(1), &[right.clone(), wrong.clone()]);
        assert_eq!(faults, Faults { damaged: 1, ..Faults::default() }, "{wrong}");
    }
}

#[test]
fn only_what_was_sent_and_answered_meanwhile_is_missed() {
    let room = room(5);
    let missing = |since, until| Inbox::new(room.clone(), since, false).missing(until);
    assert_eq!((missing(0, 1_000), missing(20, 1_000), missing(21, 1_000)), (5, 4, 3));
    assert_eq!((missing(0, 51), missing(0, 50), missing(0, 0)), (5, 4, 0));
    room.outboxes[0].lock().send(60, 60, None);
    assert_eq!(missing(0, 1_000), 5, "nobody knows what became of what was never answered");
    assert_eq!(Inbox::new(room.clone(), 0, true).missing(1_000), 0, "reports are not polled");
    let mut outbox = room.outboxes[1].lock();
    let batch = outbox.send(70, 70, Some(Batch::gathered(1, 0)));
    outbox.answered(batch, 71);
    drop(outbox);
    assert_eq!(Inbox::new(room.clone(), 0, true).missing(1_000), 1);
}

/// The group after its second node fired two batches of three events, due at 30 and 50 and sent at 35 and 55; and the
/// events of both, each as payload and time.
fn batches() -> (Arc<Room>, [Vec<(String, String)>; 2]) {
    let room = room(1);
    let events = [30, 50].map(|due: u64| {
        let batch = Batch::gathered(3, 1_700_000_000_000);
        let mut outbox = room.outboxes[1].lock();
        let number = outbox.send(due, due + 5, Some(batch));
        outbox.answered(number, due + 6);
        let time = |index| Timestamp::from_millis(batch.fired_millis(index)).to_string();
        (0..3).map(|index| (payload(number, index), time(index))).collect()
    });
    (room, events)
}

fn fired(events: &[(String, String)]) -> String {
    let event = |(payload, timestamp): &(String, String)| json!({"payload": payload, "timestamp": timestamp});
    let batch = json!({"firedByNodeId": "bob", "events": events.iter().map(event).collect::<Vec<_>>()});
    frame(&json!({"groupId": "g", "domain": "d", "batchEvent": batch}))
}

#[test]
fn events_keep_their_order_and_times() {
    let (room, [events, second]) = batches();
    let faults_of =
        |events: &[(String, String)]| faults_of(&room, &[report(0), fired(events), fired(&second)]);
    assert_eq!(faults_of(&events), Faults::default());

    let mut late = events.clone();
    late[1].1 = late[2].1.clone();
    assert_eq!(faults_of(&late), Faults { mistimed: 1, ..Faults::default() });
    let mut swapped = events.clone();
    swapped.swap(1, 2);
    assert_eq!(faults_of(&swapped), Faults { damaged: 2, mistimed: 2, ..Faults::default() });
    assert_eq!(faults_of(&events[..2]), Faults { damaged: 1, ..Faults::default() });
}

/// What a poller that began at `since` finds in a stream of events: when those were due that it measures, and faults.
fn polled(since: u64, events: &[(String, String)]) -> (Vec<u64>, Faults) {
    let mut inbox = Inbox::new(batches().0, since, true);
    let mut due = Vec::new();
    for (payload, timestamp) in events {
        due.extend(inbox.take_polled(&Event { payload: Some(payload), timestamp }, "bob"));
    }
    (due, inbox.close(1_000))
}

#[test]
fn polled_events_are_put_together_again() {
    let (_, [first, second]) = batches();
    let both = [&first[..], &second].concat();
    assert_eq!(polled(0, &both), (vec![30, 50], Faults::default()));
    let twice = [&first[..], &both].concat();
    assert_eq!(polled(0, &twice), (vec![30, 50], Faults { doubled: 1, ..Faults::default() }));
    let torn = [&first[..2], &both].concat();
    assert_eq!(polled(0, &torn).1, Faults { damaged: 1, doubled: 1, ..Faults::default() });
    let headless = polled(0, &first[1..2]).1;
    assert_eq!(headless, Faults { damaged: 1, lost: 2, ..Faults::default() });
}

#[test]
fn who_comes_back_is_not_charged_with_what_was_sent_before() {
    let (_, [first, second]) = batches();
    // It is served what is still kept, but only the second batch was sent while it was there.
    assert_eq!(polled(40, &[&first[..], &second].concat()), (vec![50], Faults::default()));
    assert_eq!(polled(40, &second), (vec![50], Faults::default()));
    assert_eq!(polled(40, &first), (vec![], Faults { lost: 1, ..Faults::default() }));
}
