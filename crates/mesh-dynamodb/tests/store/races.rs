//! Calls at the same time and calls that come twice: one effect, and nothing is brought back that a
//! dissolve removed.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use mesh_core::Result;
use mesh_core::id::GroupKey;
use mesh_core::testing::Harness;
use mesh_dynamodb::DynamoStore;
use mesh_dynamodb::testing::{Engine, Fault, Request, make_table};
use proptest::prelude::*;
use serde_json::Value;

use super::{harness, harness_on, rows};

/// What a call at the same time as a dissolve does.
#[derive(Clone, Copy, Debug)]
enum Call {
    Create,
    Renew,
    Join,
    JoinAgain,
    JoinToPoll,
    HostJoins,
    Beat,
    Report,
    HostReports,
    Fire,
    Record,
    Leave,
    HostLeaves,
    Dissolve,
    Poll,
}

const CALLS: [Call; 15] = [
    Call::Create,
    Call::Renew,
    Call::Join,
    Call::JoinAgain,
    Call::JoinToPoll,
    Call::HostJoins,
    Call::Beat,
    Call::Report,
    Call::HostReports,
    Call::Fire,
    Call::Record,
    Call::Leave,
    Call::HostLeaves,
    Call::Dissolve,
    Call::Poll,
];

impl Call {
    async fn run(self, room: &Harness<DynamoStore>, key: &GroupKey) -> Result<()> {
        match self {
            Self::Create => drop(room.create_in("school", "host").await?),
            Self::Renew => drop(room.renew(key, "host").await?),
            Self::Join => drop(room.join(key, "newcomer").await?),
            Self::JoinAgain => drop(room.join(key, "member").await?),
            Self::JoinToPoll => drop(room.join_as(key, "poller", Some(false)).await?),
            Self::HostJoins => drop(room.join(key, "host").await?),
            Self::Beat => drop(room.beat(key, "member").await?),
            Self::Report => drop(room.report(key, "member", &[("x", "1")]).await?),
            Self::HostReports => drop(room.report(key, "host", &[("x", "1")]).await?),
            Self::Fire => drop(room.fire_names(key, "member", &["e"]).await?),
            Self::Record => drop(room.record_names(key, "member", &["e"]).await?),
            Self::Leave => drop(room.leave(key, "member").await?),
            Self::HostLeaves => drop(room.leave(key, "host").await?),
            Self::Dissolve => drop(room.dissolve(key, "host").await?),
            Self::Poll => drop(room.poll(key, "").await?),
        }
        Ok(())
    }
}

/// The table's items but for those of logs, which are out of reach once their group is gone.
fn left(engine: &Engine) -> Vec<Value> {
    let mut rows = rows(engine);
    rows.retain(|item| {
        let sort = item["sk"]["S"].as_str().unwrap();
        !sort.starts_with("C#") && !sort.starts_with("R#")
    });
    rows
}

/// Requests arrive in an order that `seed` decides.
fn shuffled(seed: u64) -> impl Fn(&Request) -> Fault + Send + Sync + 'static {
    let state = std::sync::atomic::AtomicU64::new(seed | 1);
    move |_: &Request| {
        let step = |state: u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let order = std::sync::atomic::Ordering::SeqCst;
        let drawn = state.fetch_update(order, order, step).unwrap_or_default() >> 33;
        Fault::Late(usize::try_from(drawn % 40).unwrap())
    }
}

async fn race_against_a_dissolve(seed: u64, calls: &[Call]) {
    let engine = Engine::new();
    make_table(&engine).await;
    let room = harness_on(&engine, 20, Arc::new(shuffled(seed)));
    let key = room.create("host").await.key();
    room.join(&key, "member").await.unwrap();
    let racing = join_all(calls.iter().map(|call| call.run(&room, &key)));
    let (dissolved, results) = join(room.dissolve(&key, "host"), racing).await;
    for (call, result) in calls.iter().zip(results) {
        if let Err(refusal) = result {
            let kind = refusal.error_type().as_str();
            assert!(["GroupNotFound", "NodeNotFound"].contains(&kind), "{call:?}: {refusal}");
        }
    }
    match dissolved {
        Ok(_) => {}
        Err(refusal) => {
            assert_eq!(refusal.error_type().as_str(), "GroupNotFound", "another call dissolved it");
        }
    }
    // Only a group that was created anew may be there, without members.
    let groups = room.groups("school").await;
    assert!(groups.iter().all(|group| group.record.key.id != key.id));
    assert_eq!(left(&engine).len(), groups.len(), "{:?}", left(&engine));
    for node in ["member", "newcomer", "poller"] {
        assert!(room.status(node).await.is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_brings_back_what_a_dissolve_removes(
        seed: u64,
        calls in proptest::collection::vec(proptest::sample::select(&CALLS[..]), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(race_against_a_dissolve(seed, &calls));
    }
}

#[tokio::test]
async fn each_call_alone_leaves_nothing_behind() {
    for call in CALLS {
        for seed in 0..6 {
            race_against_a_dissolve(seed * 77_777, &[call]).await;
        }
    }
}

#[tokio::test]
async fn calls_that_come_twice_have_one_effect() {
    for seed in 0..8 {
        let engine = Engine::new();
        make_table(&engine).await;
        let room = harness_on(&engine, 20, Arc::new(shuffled(seed * 31_337)));
        let key = room.create_with_poller("host").await;
        let (one, two) = join(room.join(&key, "node"), room.join(&key, "node")).await;
        assert_eq!(one.unwrap().record.created_at, two.unwrap().record.created_at);
        let (one, two) =
            join(room.report(&key, "node", &[("x", "1")]), room.report(&key, "node", &[("x", "1")])).await;
        assert_ne!(one.unwrap().timestamp, two.unwrap().timestamp);
        let report = || room.report(&key, "host", &[("y", "1")]);
        let (one, two) = join(report(), report()).await;
        assert_ne!(one.unwrap().timestamp, two.unwrap().timestamp);
        assert_eq!(room.statuses(&key).await.unwrap().len(), 2);
        let record = || room.record_names(&key, "node", &["a", "b"]);
        let (one, two) = join(record(), record()).await;
        assert_eq!(one.unwrap().next_since, two.unwrap().next_since);
        assert_eq!(room.names_since(&key, "").await, ["a", "b"]);
        let (one, two) = join(room.leave(&key, "node"), room.leave(&key, "node")).await;
        assert!(one.is_ok() != two.is_ok());
        let (one, two) = join(room.dissolve(&key, "host"), room.dissolve(&key, "host")).await;
        assert!(one.is_ok() || two.is_ok());
        assert!(left(&engine).is_empty());
    }
}

#[tokio::test]
async fn a_domain_is_never_too_full() {
    let room = harness().await;
    let calls = (0..40).map(|number| {
        let room = &room;
        async move { room.create_in("school", &format!("host{number}")).await.is_ok() }
    });
    let created = join_all(calls).await.into_iter().filter(|is_created| *is_created).count();
    let groups = room.groups("school").await;
    assert!(groups.len() <= 20);
    assert_eq!(created, groups.len(), "who was answered a group has one");
}

#[tokio::test(start_paused = true)]
async fn a_group_is_never_too_full() {
    for seed in 0..3 {
        let engine = Engine::new();
        make_table(&engine).await;
        let room = harness_on(&engine, 10, Arc::new(shuffled(seed * 4_242)));
        let key = room.create("host").await.key();
        for wave in 0..3 {
            let joins = (0..16).map(|number| {
                let (room, key) = (&room, &key);
                async move { room.join(key, &format!("{wave}-{number}")).await }
            });
            let refusals = join_all(joins).await.into_iter().filter_map(Result::err);
            assert!(refusals.into_iter().all(|refusal| refusal.error_type().as_str() == "ValidationError"));
            let nodes = room.nodes(&key).await.unwrap();
            assert!(nodes.len() <= 10, "{} nodes", nodes.len());
            // Some leave while others come.
            let leaving = nodes.iter().take(6).map(|node| room.leave(&key, node.record.id.as_str()));
            join_all(leaving).await;
        }
    }
}

#[tokio::test]
async fn a_join_under_way_is_counted() {
    // The write of this member arrives long after its seat was taken.
    let late = |request: &Request| {
        let is_late = request.operation == "UpdateItem" && request.json["Key"]["sk"]["S"] == "N#late";
        Fault::Late(if is_late { 20_000 } else { 0 })
    };
    let engine = Engine::new();
    make_table(&engine).await;
    let room = harness_on(&engine, 2, Arc::new(late));
    let key = room.create("host").await.key();
    for node in ["one", "two"] {
        room.join(&key, node).await.unwrap();
    }
    room.leave(&key, "one").await.unwrap();
    let others = async {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        room.leave(&key, "two").await.unwrap();
        for node in ["three", "four"] {
            room.join(&key, node).await.unwrap();
        }
    };
    let (late, ()) = join(room.join(&key, "late"), others).await;
    assert_eq!(late.unwrap_err().error_type().as_str(), "ValidationError", "the members were counted since");
    assert_eq!(room.nodes(&key).await.unwrap().len(), 2);
}
