//! Events of AppSync's resolver, one a line.

use std::sync::Arc;

use mesh_appsync::event::Event;
use mesh_core::Context;
use mesh_core::clock::Clock as _;
use mesh_core::network::DomainSecret;
use mesh_core::settings::Settings;
use mesh_core::testing::TestClock;
use mesh_dynamodb::testing::{Engine, Fault, Request, TABLE, client, make_table, seed};
use mesh_dynamodb::{DynamoStore, Table};
use mesh_lambda::handler::Handler;
use serde_json::Value;

use crate::classroom::block_on;

/// The most events of one run, and the number of proxies.
const MAX_EVENTS: usize = 8;
const TRUSTED_HOPS: usize = 2;

const FIELDS: &[&str] = &[
    "createDomain",
    "createGroup",
    "dissolveGroup",
    "fireEventsByNode",
    "getEventsSince",
    "getNodeStatus",
    "joinGroup",
    "leaveGroup",
    "listGroupStatuses",
    "listGroupsByDomain",
    "listNodesInGroup",
    "pollGroupData",
    "recordEventsByNode",
    "renewHeartbeat",
    "reportStatus",
    "reportDataByNode",
    "searchGroupsByNamePrefix",
    "sendMemberHeartbeat",
];

/// An event is a fault, or is answered by data or by an error of AppSync's form; the table never fails.
pub fn check(bytes: &[u8]) {
    let events: Vec<_> = bytes.split(|byte| *byte == b'\n').take(MAX_EVENTS).collect();
    let is_call = |json: &&[u8]| Event::parse(json).is_ok_and(|event| event.call(TRUSTED_HOPS).is_ok());
    // A table takes a thousand times as long as an event that needs none.
    let needs_table = events.iter().any(is_call);
    block_on(async {
        let handler = handler(needs_table).await;
        for json in events {
            let field = Event::parse(json).map(|event| event.field).unwrap_or_default();
            let Ok(answer) = handler.answer("request", json).await else {
                assert!(!FIELDS.contains(&&*field), "no client can bring about a fault");
                continue;
            };
            let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
            let error = &answer["error"];
            assert!(answer.get("data").is_some() != error.is_object(), "{answer}");
            // Without the address of its caller there is no domain.
            assert!(error["type"] != "InternalFailure" || field == "createDomain", "{answer}");
        }
    });
}

/// A handler of all fields over a table with the group that the events of the project name.
async fn handler(needs_table: bool) -> Handler {
    let engine = Engine::new();
    let client = client(&engine, Arc::new(|_: &Request| Fault::None));
    let store = DynamoStore::new(Table::new(client, TABLE), Settings::default());
    let clock = Arc::new(TestClock::new());
    if needs_table {
        make_table(&engine).await;
        seed(&store, clock.now()).await.expect("an empty table has room");
    }
    let domain_secret = DomainSecret::new(b"a secret of enough length");
    Handler::new(FIELDS, Context { store, clock, settings: Settings::default(), domain_secret }, TRUSTED_HOPS)
}
