//! Deliveries that are lost, doubled, late, reordered or damaged, and those that are right.

use std::sync::Arc;

use mesh_core::time::Timestamp;
use parking_lot::Mutex;
use serde_json::json;

use super::super::{Frame, Outbox};
use super::{Event, Inbox, Room};
use crate::check::Faults;
use crate::client::Group;
use crate::stamp::{Batch, Stamp};

const RUN: u32 = 0xCAFE;

/// A group of two, whose first node sent a report at each of the times 10, 20, 30 ..., answered at
/// once.
fn room(reports: u64) -> Arc<Room> {
    let mut outbox = Outbox::default();
    for number in 1..=reports {
        let sent = outbox.send(number * 10, false);
        outbox.answered(sent, number * 10 + 1);
    }
    Arc::new(Room {
        run: RUN,
        index: 3,
        group: Group { id: "g".into(), domain: "d".into() },
        nodes: vec!["ann".into(), "bob".into()],
        outboxes: vec![Mutex::new(outbox), Mutex::default()],
    })
}

fn stamp(number: usize) -> Stamp {
    Stamp { run: RUN, group: 3, node: 0, number, due_micros: 0, batch: None }
}

fn report(stamp: Stamp) -> String {
    let data = json!([{"key": "k", "value": stamp.to_string()}]);
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
    numbers.iter().map(|number| report(stamp(*number))).collect()
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
    let right = report(stamp(0));
    for wrong in [
        right.replace(r#""groupId":"g""#, r#""groupId":"h""#),
        right.replace(r#""domain":"d""#, r#""domain":"e""#),
        report(Stamp { group: 2, ..stamp(0) }),
        report(Stamp { run: 1, ..stamp(0) }),
    ] {
        let faults = faults_of(&room(1), &[right.clone(), wrong.clone()]);
        assert_eq!(faults, Faults { leaked: 1, ..Faults::default() }, "{wrong}");
    }
}

#[test]
fn what_nobody_sent_is_damaged() {
    let right = report(stamp(0));
    for wrong in [
        right.replace("mesh.", "mash."),
        right.replace(r#""nodeId":"ann""#, r#""nodeId":"bob""#),
        report(Stamp { node: 2, ..stamp(0) }),
        report(Stamp { batch: Some(Batch::gathered(1, 0)), ..stamp(0) }),
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
    room.outboxes[0].lock().send(60, false);
    assert_eq!(missing(0, 1_000), 5, "nobody knows what became of what was never answered");
    assert_eq!(Inbox::new(room.clone(), 0, true).missing(1_000), 0, "reports are not polled");
    let batch = room.outboxes[1].lock().send(70, true);
    room.outboxes[1].lock().answered(batch, 71);
    assert_eq!(Inbox::new(room.clone(), 0, true).missing(1_000), 1);
}

/// A batch of three events, sent as the sixth mutation.
fn batch() -> (Stamp, Vec<(String, String)>) {
    let batch = Batch::gathered(3, 1_700_000_000_000);
    let stamp = Stamp { batch: Some(batch), ..stamp(0) };
    let payload = |index: usize| if index == 0 { stamp.to_string() } else { index.to_string() };
    let time = |index| Timestamp::from_millis(batch.fired_millis(index)).to_string();
    (stamp, (0..3).map(|index| (payload(index), time(index))).collect())
}

fn fired(events: &[(String, String)]) -> String {
    let event = |(payload, timestamp): &(String, String)| json!({"payload": payload, "timestamp": timestamp});
    let batch = json!({"firedByNodeId": "ann", "events": events.iter().map(event).collect::<Vec<_>>()});
    frame(&json!({"groupId": "g", "domain": "d", "batchEvent": batch}))
}

#[test]
fn events_keep_their_order_and_times() {
    let (_, events) = batch();
    assert_eq!(faults_of(&room(1), &[fired(&events)]), Faults::default());

    let mut late = events.clone();
    late[1].1 = late[2].1.clone();
    assert_eq!(faults_of(&room(1), &[fired(&late)]), Faults { mistimed: 1, ..Faults::default() });
    let mut swapped = events.clone();
    swapped.swap(1, 2);
    let faults = Faults { damaged: 2, mistimed: 2, ..Faults::default() };
    assert_eq!(faults_of(&room(1), &[fired(&swapped)]), faults);
    let faults = Faults { damaged: 1, ..Faults::default() };
    assert_eq!(faults_of(&room(1), &[fired(&events[..2])]), faults);
}

#[test]
fn polled_events_are_put_together_again() {
    let (stamp, events) = batch();
    let polled = |events: &[(String, String)]| {
        let mut inbox = Inbox::new(room(1), 0, true);
        let mut new = Vec::new();
        for (payload, timestamp) in events {
            new.extend(inbox.take_polled(&Event { payload: Some(payload), timestamp }, "ann"));
        }
        (new, inbox.close(1_000))
    };
    assert_eq!(polled(&events), (vec![stamp], Faults::default()));
    let twice = [&events[..], &events].concat();
    assert_eq!(polled(&twice), (vec![stamp], Faults { doubled: 1, ..Faults::default() }));
    let torn = [&events[..2], &events].concat();
    assert_eq!(polled(&torn).1, Faults { damaged: 1, doubled: 1, ..Faults::default() });
    assert_eq!(polled(&events[1..2]), (vec![], Faults { damaged: 1, ..Faults::default() }));
}
