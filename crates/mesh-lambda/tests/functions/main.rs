//! Functions over an embedded engine: the events of the folder `events`, answered.

#![allow(clippy::unwrap_used, reason = "a test stops where something is amiss")]

mod connection;
mod costs;
mod events;
mod logs;
mod publishing;
mod signature;
mod tidy;

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use mesh_core::Context;
use mesh_core::network::DomainSecret;
use mesh_core::settings::Settings;
use mesh_core::testing::TestClock;
use mesh_dynamodb::testing::{Engine, Fault, Faults, Request, TABLE, client, make_table};
use mesh_dynamodb::{DynamoStore, Table};
use mesh_lambda::handler::Handler;
use serde_json::Value;

/// The fields of the schema that functions serve, each with its function and event.
const OPERATIONS: [(&str, &[&str]); 17] = [
    ("create-domain", &["createDomain"]),
    ("create-group", &["createGroup"]),
    ("dissolve-group", &["dissolveGroup"]),
    ("fire-events-by-node", &["fireEventsByNode"]),
    ("get-events-since", &["getEventsSince"]),
    ("get-node-status", &["getNodeStatus"]),
    ("join-group", &["joinGroup"]),
    ("leave-group", &["leaveGroup"]),
    ("list-group-statuses", &["listGroupStatuses"]),
    ("list-groups-by-domain", &["listGroupsByDomain"]),
    ("list-nodes-in-group", &["listNodesInGroup"]),
    ("poll-group-data", &["pollGroupData"]),
    ("record-events-by-node", &["recordEventsByNode"]),
    ("renew-heartbeat", &["renewHeartbeat"]),
    ("report-status", &["reportStatus", "reportDataByNode"]),
    ("search-groups-by-name-prefix", &["searchGroupsByNamePrefix"]),
    ("send-member-heartbeat", &["sendMemberHeartbeat"]),
];

/// The folder of the whole project.
fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names of what is in a folder of the project, sorted.
fn names_in(folder: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(project().join(folder))?;
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    Ok(names)
}

/// An event of the project.
fn event(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(project().join("events").join(name)).unwrap()).unwrap()
}

/// An empty table of its own.
async fn store() -> DynamoStore {
    store_with(|_: &Request| Fault::None).await
}

/// The same, whose requests meet faults.
async fn store_with(faults: impl Faults) -> DynamoStore {
    let engine = Engine::new();
    make_table(&engine).await;
    store_over(&engine, faults)
}

/// A store over the table of an engine.
fn store_over(engine: &Engine, faults: impl Faults) -> DynamoStore {
    DynamoStore::new(Table::new(client(engine, Arc::new(faults)), TABLE), Settings::default())
}

/// All functions, over one table.
struct Functions {
    handler: Handler,
    clock: Arc<TestClock>,
}

impl Functions {
    async fn new() -> Self {
        Self::over(store().await)
    }

    fn over(store: DynamoStore) -> Self {
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
        let clock = Arc::new(TestClock::new());
        let domain_secret = DomainSecret::new(b"a secret of enough length");
        let context = Context { store, clock: clock.clone(), settings: Settings::default(), domain_secret };
        Self { handler: Handler::new(FIELDS, context, 2), clock }
    }

    /// The answer to an event.
    async fn answer(&self, event: &Value) -> Value {
        let answer = self.handler.answer("request", event.to_string().as_bytes()).await.unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// The data of the answer to an event of the project, with other arguments.
    async fn data(&self, name: &str, arguments: &[(&str, &Value)]) -> Value {
        let mut event = event(name);
        for (argument, value) in arguments {
            event["arguments"][*argument] = (*value).clone();
        }
        let answer = self.answer(&event).await;
        assert!(answer["error"].is_null(), "{name}: {answer}");
        answer["data"].clone()
    }
}
