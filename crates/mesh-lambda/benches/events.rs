//! One event of a function, from its JSON to its answer: what `instructions.sh` counts the instructions of.
//!
//! `events SCENARIO TIMES` answers the same event so often. The table's answers are remembered, so that the
//! function, the store and the SDK are counted, and no engine. Time stands still: under valgrind on a busy machine
//! a try would take longer than its timeout.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a benchmark stops where something is amiss")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mesh_core::Context;
use mesh_core::settings::Settings;
use mesh_core::testing::TestClock;
use mesh_dynamodb::testing::{Engine, Fault, Request, TABLE, client, make_table};
use mesh_dynamodb::{DynamoStore, Table};
use mesh_lambda::handler::Handler;
use serde_json::{Value, json};

const FIELDS: &[&str] = &[
    "createGroup",
    "joinGroup",
    "reportDataByNode",
    "fireEventsByNode",
    "recordEventsByNode",
    "pollGroupData",
];

/// Members of the group, each with the values of `events/report-status.json`.
const MEMBERS: usize = 10;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    // Tests run benchmarks too, without arguments.
    let Some(scenario) = arguments.next() else { return };
    let times = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(1);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let handler = handler().await;
        let group = set_up(&handler).await;
        let event = match &*scenario {
            "report" => event("report-status", &[("groupId", &group)]),
            "fire" => event("fire-events-by-node", &[("groupId", &group)]),
            "poll" => event("poll-group-data", &[("groupId", &group), ("since", &json!(""))]),
            other => panic!("scenarios are report, fire and poll, not '{other}'"),
        };
        for _ in 0..times {
            data(&handler, &event).await;
        }
    });
}

/// A function that serves everything here. Its clock stands still, so equal events make equal requests.
async fn handler() -> Handler {
    let engine = Engine::new();
    make_table(&engine).await;
    let remembered = Mutex::new(HashMap::<String, String>::new());
    let table = engine.clone();
    let faults = move |request: &Request| {
        let key = format!("{} {}", request.operation, request.json);
        let mut remembered = remembered.lock().unwrap();
        let answer = || table.answer(&request.operation, request.json.clone()).body;
        Fault::Answered(remembered.entry(key).or_insert_with(answer).clone())
    };
    let store = DynamoStore::new(Table::new(client(&engine, Arc::new(faults)), TABLE), Settings::default());
    let clock = Arc::<TestClock>::default();
    let context = Context { store, clock, settings: Settings::default(), domain_secret: None };
    Handler::new(FIELDS, context, 2)
}

/// A group with members that have values. Returns its id.
async fn set_up(handler: &Handler) -> Value {
    let group = data(handler, &event("create-group", &[])).await["id"].clone();
    let first = event("join-group", &[])["arguments"]["nodeId"].clone();
    for number in 0..MEMBERS {
        let node = if number == 0 { first.clone() } else { json!(number.to_string()) };
        let given = [("groupId", &group), ("nodeId", &node)];
        data(handler, &event("join-group", &given)).await;
        if number > 0 {
            data(handler, &event("report-status", &given)).await;
        }
    }
    group
}

/// An event of the project, with other arguments.
fn event(name: &str, arguments: &[(&str, &Value)]) -> Value {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (argument, value) in arguments {
        event["arguments"][*argument] = (*value).clone();
    }
    event
}

async fn data(handler: &Handler, event: &Value) -> Value {
    let answer = handler.answer("request", event.to_string().as_bytes()).await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer["data"].clone()
}
