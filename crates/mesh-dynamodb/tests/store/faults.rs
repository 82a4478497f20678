//! Faults on the way to DynamoDB: each is mended within its time, or the caller gets an error.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use mesh_core::id::GroupKey;
use mesh_core::settings::{EXPIRED_MEMORY, REPEAT_WINDOW};
use mesh_core::testing::{Harness, contract};
use mesh_core::time::Timestamp;
use mesh_dynamodb::DynamoStore;
use mesh_dynamodb::testing::{Engine, Fault, Request, make_table};
use tokio::time::Instant;

use super::{harness_of, harness_on, harness_with, rows};

/// Faults that a test turns on once its harness is as it wants it.
#[derive(Clone, Default)]
struct Switch(Arc<Mutex<Plan>>);

/// The first `times` requests of an operation meet a fault.
#[derive(Default)]
struct Plan {
    operation: &'static str,
    times: usize,
    fault: Option<Fault>,
    sent: usize,
}

impl Switch {
    fn on(&self, operation: &'static str, times: usize, fault: Fault) {
        *self.0.lock().unwrap() = Plan { operation, times, fault: Some(fault), sent: 0 };
    }

    fn off(&self) {
        *self.0.lock().unwrap() = Plan::default();
    }

    /// How many requests of the operation were sent since.
    fn sent(&self) -> usize {
        self.0.lock().unwrap().sent
    }

    async fn harness(&self) -> Harness<DynamoStore> {
        let plan = self.0.clone();
        let meet = move |request: &Request| plan.lock().unwrap().meet(request);
        harness_with(100, meet).await
    }
}

impl Plan {
    fn meet(&mut self, request: &Request) -> Fault {
        if request.operation != self.operation {
            return Fault::None;
        }
        self.sent += 1;
        self.fault.clone().filter(|_| self.sent <= self.times).unwrap_or(Fault::None)
    }
}

async fn with_poller(room: &Harness<DynamoStore>) -> GroupKey {
    room.create_with_poller("host").await
}

fn is_failure<T: std::fmt::Debug>(result: mesh_core::Result<T>) -> bool {
    result.unwrap_err().error_type().as_str() == "InternalFailure"
}

#[tokio::test(start_paused = true)]
async fn two_faults_are_mended_and_three_are_an_error() {
    let throttled = Fault::Refused(400, "ThrottlingException");
    let too_much = Fault::Refused(400, "ProvisionedThroughputExceededException");
    let broken = Fault::Refused(500, "InternalServerError");
    let unavailable = Fault::Refused(503, "ServiceUnavailable");
    for fault in [throttled, too_much, broken, unavailable, Fault::Lost] {
        let switch = Switch::default();
        let room = switch.harness().await;
        let key = with_poller(&room).await;
        for operation in ["GetItem", "UpdateItem"] {
            switch.on(operation, 2, fault.clone());
            room.beat(&key, "poller").await.unwrap();
            assert_eq!(switch.sent(), 3, "{operation} {fault:?}");
            switch.on(operation, 3, fault.clone());
            assert!(is_failure(room.beat(&key, "poller").await), "{operation} {fault:?}");
            assert_eq!(switch.sent(), 3, "{operation} {fault:?}");
        }
        switch.on("Query", 2, fault.clone());
        assert_eq!(room.nodes(&key).await.unwrap().len(), 1);
        switch.on("PutItem", 2, fault.clone());
        room.fire_names(&key, "host", &["e"]).await.unwrap();
        switch.on("TransactWriteItems", 2, fault.clone());
        room.record_names(&key, "host", &["e"]).await.unwrap();
        switch.on("DeleteItem", 2, fault.clone());
        room.leave(&key, "poller").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_in_vain_is_told_within_five_seconds() {
    let switch = Switch::default();
    let room = switch.harness().await;
    let key = with_poller(&room).await;
    for operation in ["GetItem", "UpdateItem", "Query", "PutItem", "TransactWriteItems", "BatchGetItem"] {
        switch.on(operation, usize::MAX, Fault::Lost);
        let began = Instant::now();
        let refused = match operation {
            "PutItem" => is_failure(room.fire_names(&key, "host", &["e"]).await),
            "TransactWriteItems" | "BatchGetItem" => {
                is_failure(room.record_names(&key, "host", &["e"]).await)
            }
            "Query" => is_failure(room.nodes(&key).await),
            _ => is_failure(room.beat(&key, "poller").await),
        };
        assert!(refused, "{operation}");
        assert!(began.elapsed() <= Duration::from_secs(5), "{operation} {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_one_effect() {
    let switch = Switch::default();
    let room = switch.harness().await;
    switch.on("PutItem", 1, Fault::AnswerLost);
    let key = room.create("host").await.key();
    assert_eq!(room.groups("school").await.len(), 1);
    for operation in ["UpdateItem", "GetItem"] {
        switch.on(operation, 1, Fault::AnswerLost);
        room.join_as(&key, "node", Some(false)).await.unwrap();
    }
    assert_eq!(room.nodes(&key).await.unwrap().len(), 1);
    switch.on("UpdateItem", 1, Fault::AnswerLost);
    room.report(&key, "node", &[("x", "1")]).await.unwrap();
    let statuses = room.statuses(&key).await.unwrap();
    assert_eq!((statuses.len(), statuses[0].data.len()), (1, 1));
    switch.on("PutItem", 1, Fault::AnswerLost);
    room.fire_names(&key, "host", &["fired"]).await.unwrap();
    switch.on("TransactWriteItems", 1, Fault::AnswerLost);
    let recorded = room.record_names(&key, "node", &["recorded"]).await.unwrap();
    assert!(!recorded.is_repeated, "its own call is no repeated one");
    assert_eq!(room.names_since(&key, "").await, ["fired", "recorded"]);
    switch.on("UpdateItem", 1, Fault::AnswerLost);
    room.renew(&key, "host").await.unwrap();
    for operation in ["UpdateItem", "BatchWriteItem", "DeleteItem"] {
        let key = room.create(operation).await.key();
        room.join(&key, "node").await.unwrap();
        switch.on(operation, 1, Fault::AnswerLost);
        room.dissolve(&key, operation).await.unwrap();
    }
    assert_eq!(room.groups("school").await.len(), 1);
}

/// Every answer to a report is lost, though the report was written.
#[tokio::test(start_paused = true)]
async fn a_change_that_may_be_saved_is_not_called_lost() {
    let switch = Switch::default();
    let room = switch.harness().await;
    let key = with_poller(&room).await;
    switch.on("UpdateItem", usize::MAX, Fault::AnswerLost);
    let error = room.report(&key, "poller", &[("x", "1")]).await.unwrap_err();
    assert!(error.to_string().contains("a change may not be saved: try again"), "{error}");
    assert!(error.failure().is_some());
    assert_eq!(room.statuses(&key).await.unwrap()[0].data[0].value, "1".into());
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_throttled_transactions_are_tried_again() {
    let switch = Switch::default();
    let room = switch.harness().await;
    let key = with_poller(&room).await;
    for (reason, times) in
        [("TransactionConflict", 8), ("ThrottlingError", 2), ("ProvisionedThroughputExceeded", 2)]
    {
        switch.on("TransactWriteItems", times, Fault::Cancelled(reason));
        room.record_names(&key, "host", &[reason]).await.unwrap();
    }
    switch.on("TransactWriteItems", 1, Fault::Refused(400, "TransactionInProgressException"));
    room.record_names(&key, "host", &["in progress"]).await.unwrap();
    switch.on("PutItem", 8, Fault::Refused(400, "TransactionConflictException"));
    room.fire_names(&key, "host", &["fired"]).await.unwrap();
    let names =
        ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "in progress", "fired"];
    assert_eq!(room.names_since(&key, "").await, names);
    switch.on("TransactWriteItems", 3, Fault::Cancelled("ThrottlingError"));
    assert!(is_failure(room.record_names(&key, "host", &["throttled"]).await));
    let began = Instant::now();
    switch.on("TransactWriteItems", usize::MAX, Fault::Cancelled("TransactionConflict"));
    assert!(is_failure(room.record_names(&key, "host", &["crowded out"]).await));
    assert!(began.elapsed() <= Duration::from_secs(5));
    switch.off();
    assert_eq!(room.names_since(&key, "").await, names, "nothing of the failed calls is there");
}

#[tokio::test(start_paused = true)]
async fn a_dissolve_sends_what_was_not_processed_again() {
    let switch = Switch::default();
    let room = switch.harness().await;
    let key = with_poller(&room).await;
    join_all((0..40).map(|number| {
        let (room, key) = (&room, &key);
        async move { room.join(key, &format!("node{number}")).await.unwrap() }
    }))
    .await;
    // Nothing goes forward: an error, and the group is over all the same.
    switch.on("BatchWriteItem", usize::MAX, Fault::Partly(0));
    assert!(is_failure(room.dissolve(&key, "host").await));
    assert_eq!(switch.sent(), 3);
    assert_eq!(room.poll(&key, "").await.unwrap_err().error_type().as_str(), "GroupNotFound");
    assert!(room.groups("school").await.is_empty());
    // The next try goes on, a few at a time.
    switch.on("BatchWriteItem", usize::MAX, Fault::Partly(7));
    room.dissolve(&key, "host").await.unwrap();
    assert_eq!(switch.sent(), 4 + 3, "25 and 16 in sevens");
    assert!(room.status("node1").await.is_none());
    switch.off();
    assert_eq!(room.dissolve(&key, "host").await.unwrap_err().error_type().as_str(), "GroupNotFound");
}

#[tokio::test(start_paused = true)]
async fn reads_of_a_batch_are_sent_again() {
    let switch = Switch::default();
    let room = switch.harness().await;
    let key = with_poller(&room).await;
    switch.on("BatchGetItem", 1, Fault::Partly(1));
    room.fire_names(&key, "poller", &["e"]).await.unwrap();
    assert_eq!(switch.sent(), 2);
    for number in 0..5 {
        room.create_as("school", &number.to_string(), "same", None, None).await.unwrap();
    }
    switch.on("BatchGetItem", 4, Fault::Partly(1));
    assert_eq!(room.search("same", None).await.unwrap().len(), 5);
    switch.on("BatchGetItem", usize::MAX, Fault::Partly(0));
    assert!(is_failure(room.search("same", None).await));
    assert_eq!(switch.sent(), 3);
}

/// Cuts every page after one item, as DynamoDB does after 1 MB.
async fn with_short_pages() -> Harness<DynamoStore> {
    harness_with(20, |request: &Request| {
        if request.operation != "Query" {
            return Fault::None;
        }
        let mut json = request.json.clone();
        json["Limit"] = 1.into();
        Fault::Changed(json)
    })
    .await
}

#[tokio::test]
async fn pages_that_are_cut_hide_nothing() {
    contract::groups(with_short_pages).await;
    contract::members(with_short_pages).await;
    contract::polling(with_short_pages).await;
    contract::status(with_short_pages).await;
    contract::lifecycle(with_short_pages).await;
}

#[tokio::test]
async fn a_full_group_counts_its_members_anew() {
    let room = harness_of(5).await;
    let key = room.create("host").await.key();
    for number in 0..5 {
        room.join(&key, &format!("node{number}")).await.unwrap();
    }
    for round in 0..10 {
        assert_eq!(room.join(&key, "one more").await.unwrap_err().error_type().as_str(), "ValidationError");
        room.leave(&key, &format!("node{round}")).await.unwrap();
        let newcomers = (0..8).map(|number| {
            let (room, key) = (&room, &key);
            async move { room.join(key, &format!("round{round}-{number}")).await.is_ok() }
        });
        let admitted = join_all(newcomers).await.into_iter().filter(|is_in| *is_in).count();
        assert!(admitted <= 1, "{admitted} took one seat");
        let nodes = room.nodes(&key).await.unwrap();
        assert!(nodes.len() <= 5);
        // Who came too many at once may all have been refused; then one alone gets in.
        if nodes.len() < 5 {
            room.join(&key, &format!("node{}", round + 5)).await.unwrap();
        } else {
            let last = nodes.last().unwrap().record.id.to_string();
            room.leave(&key, &last).await.unwrap();
            room.join(&key, &format!("node{}", round + 5)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn nothing_is_deleted_before_it_may_be_forgotten() {
    let engine = Engine::new();
    make_table(&engine).await;
    let room = harness_on(&engine, 20, Arc::new(|_: &Request| Fault::None));
    let key = with_poller(&room).await;
    room.report(&key, "host", &[("x", "1")]).await.unwrap();
    room.record_names(&key, "poller", &["e"]).await.unwrap();
    let seconds = |time: Timestamp| time.as_millis() / 1_000;
    let forgotten = seconds(room.groups("school").await[0].record.expires_at.plus(EXPIRED_MEMORY));
    for item in rows(&engine) {
        let ttl: i64 = item["ttl"]["N"].as_str().unwrap().parse().unwrap();
        let earliest = match item["sk"]["S"].as_str().unwrap() {
            sort if sort.starts_with("R#") => seconds(room.now().wall.plus(REPEAT_WINDOW)),
            _ => forgotten,
        };
        assert!((earliest..earliest + 60).contains(&ttl), "{item}");
    }
}
