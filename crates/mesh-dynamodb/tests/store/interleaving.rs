//! Writers whose clocks differ and pollers, at the same time and over faults: no event that is kept
//! is lost, doubled, or comes behind a cursor that has passed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{join, join_all};
use mesh_core::id::GroupKey;
use mesh_core::testing::{Harness, Heard};
use mesh_dynamodb::DynamoStore;
use mesh_dynamodb::testing::{Engine, Fault, Request, make_table};
use proptest::prelude::*;

use super::harness_on;

#[derive(Clone, Debug)]
struct Writer {
    /// How far its clock is off, in milliseconds.
    skew: i64,
    /// For each call: whether it is recorded rather than fired, and how many events it has.
    calls: Vec<(bool, usize)>,
}

fn writer() -> impl Strategy<Value = Writer> {
    let calls = proptest::collection::vec((any::<bool>(), 1..4_usize), 1..5);
    (-2_000..2_000_i64, calls).prop_map(|(skew, calls)| Writer { skew, calls })
}

/// A random number generator of few lines.
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let step = |state: u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let state = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step).unwrap_or_default();
        (state >> 33) % sides
    }
}

/// One request in `out_of` has a fault, the others come late.
fn faults(seed: u64, out_of: u64) -> impl Fn(&Request) -> Fault + Send + Sync + 'static {
    let dice = Dice(AtomicU64::new(seed | 1));
    move |request: &Request| {
        if dice.roll(out_of) > 0 {
            return Fault::Late(usize::try_from(dice.roll(30)).unwrap());
        }
        match (dice.roll(5), request.operation.as_str()) {
            (0, _) => Fault::Refused(500, "InternalServerError"),
            (1, _) => Fault::Refused(400, "ThrottlingException"),
            (2, _) => Fault::Lost,
            (3, "TransactWriteItems") => Fault::Cancelled("TransactionConflict"),
            _ => Fault::AnswerLost,
        }
    }
}

/// A call's events and whether it was accepted.
type Written = (Vec<String>, bool);

async fn write(room: Harness<DynamoStore>, key: &GroupKey, number: usize, writer: &Writer) -> Vec<Written> {
    let node = format!("writer{number}");
    let mut written = Vec::new();
    for (call, (is_recorded, events)) in writer.calls.iter().enumerate() {
        let names: Vec<_> = (0..*events).map(|event| format!("{number}/{call}/{event}")).collect();
        let texts: Vec<_> = names.iter().map(String::as_str).collect();
        let accepted = if *is_recorded {
            room.record_names(key, &node, &texts).await.is_ok()
        } else {
            room.fire_names(key, &node, &texts).await.is_ok()
        };
        written.push((names, accepted));
    }
    written
}

async fn poll(room: &Harness<DynamoStore>, key: &GroupKey, times: usize) -> Vec<Heard> {
    let mut heard: Vec<Heard> = Vec::new();
    for _ in 0..times {
        let since = heard.last().map(|last| last.cursor.clone()).unwrap_or_default();
        // A poll that fails is made again later, from the same place.
        if let Ok(polled) = room.poll(key, &since).await {
            assert!(polled.complete);
            heard.extend(polled.events.iter().flat_map(Heard::of));
        }
    }
    heard
}

async fn check(seed: u64, faulty: u64, writers: Vec<Writer>) {
    let engine = Engine::new();
    make_table(&engine).await;
    let quiet = harness_on(&engine, 20, Arc::new(|_: &Request| Fault::None));
    let key = quiet.create_with_poller("host").await;
    for number in 0..writers.len() {
        quiet.join(&key, &format!("writer{number}")).await.unwrap();
    }
    let home = |number: u64| harness_on(&engine, 20, Arc::new(faults(seed ^ (number << 20), faulty)));
    let writing = join_all(writers.iter().enumerate().map(|(number, writer)| {
        let room = home(number as u64);
        room.clock.jump(writer.skew);
        write(room, &key, number, writer)
    }));
    let pollers: Vec<_> = (100..103).map(home).collect();
    let polling = join_all(pollers.iter().map(|room| poll(room, &key, 8)));
    let (written, heard) = join(writing, polling).await;

    let log: Vec<_> = quiet.events_since(&key, "").await.into_iter().map(|heard| heard.name).collect();
    for (names, accepted) in written.iter().flatten() {
        let at: Vec<_> = log.iter().enumerate().filter(|(_, name)| names.contains(name)).collect();
        assert!(at.len() == names.len() || (!accepted && at.is_empty()), "{names:?} in {log:?}");
        assert!(at.iter().zip(names).all(|((_, name), expected)| *name == expected), "the order as sent");
        assert!(at.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "a call stays together");
    }
    for heard in heard {
        let last = heard.last().map(|last| last.cursor.clone()).unwrap_or_default();
        let rest = quiet.events_since(&key, &last).await;
        let all: Vec<_> = heard.into_iter().chain(rest).map(|heard| heard.name).collect();
        assert_eq!(all, log, "every reader hears the log");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_hears_the_log(
        seed: u64,
        writers in proptest::collection::vec(writer(), 1..6),
        faulty in prop_oneof![Just(4_u64), Just(1_000_000)],
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(check(seed, faulty, writers));
    }
}

#[tokio::test]
async fn a_slow_clock_hides_nothing() {
    let engine = Engine::new();
    make_table(&engine).await;
    let home = || harness_on(&engine, 20, Arc::new(|_: &Request| Fault::None));
    let (room, slow) = (home(), home());
    slow.clock.jump(-2_000);
    let key = room.create_with_poller("host").await;
    room.record_names(&key, "host", &["a"]).await.unwrap();
    slow.record_names(&key, "poller", &["b"]).await.unwrap();
    let began = room.now().wall.to_string();
    room.clock.advance_seconds(29);
    for since in ["", &began] {
        assert_eq!(room.names_since(&key, since).await, ["a", "b"], "kept as long as the call before it");
    }
    room.clock.advance_seconds(1);
    assert!(room.names_since(&key, "").await.is_empty());
}
