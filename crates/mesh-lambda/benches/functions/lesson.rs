//! A lesson that every operation can be measured in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::body::Bytes;
use mesh_appsync::event::{self, Event};
use mesh_core::Context;
use mesh_core::settings::Settings;
use mesh_dynamodb::testing::{Engine, Fault, Request, TABLE, client, make_table, serve};
use mesh_dynamodb::{DynamoStore, Table};
use mesh_lambda::clock::SystemClock;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The functions.
pub(crate) const OPERATIONS: [&str; 17] = [
    "create-domain",
    "create-group",
    "join-group",
    "leave-group",
    "dissolve-group",
    "renew-heartbeat",
    "send-member-heartbeat",
    "report-status",
    "fire-events-by-node",
    "record-events-by-node",
    "list-groups-by-domain",
    "search-groups-by-name-prefix",
    "get-node-status",
    "list-group-statuses",
    "list-nodes-in-group",
    "get-events-since",
    "poll-group-data",
];

/// Members of the group.
const MEMBERS: usize = 10;

/// A group with members and values in the engine's table. What is recorded goes to a group of its own, so
/// that a poll finds what most polls find: nothing new.
pub(crate) struct Lesson {
    context: Context<DynamoStore>,
    engine: SocketAddr,
    group: Value,
    recording: Value,
    counter: AtomicU64,
}

impl Lesson {
    pub(crate) async fn new() -> Self {
        let engine = Engine::new();
        make_table(&engine).await;
        let store = {
            let client = client(&engine, Arc::new(|_: &Request| Fault::None));
            DynamoStore::new(Table::new(client, TABLE), Settings::default())
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, engine));
        let context = Context {
            store,
            clock: Arc::new(SystemClock::new()),
            settings: Settings::default(),
            domain_secret: None,
        };
        let (group, recording) = (Value::Null, Value::Null);
        let mut lesson = Self { context, engine: address, group, recording, counter: AtomicU64::new(0) };
        let node = file("join-group")["arguments"]["nodeId"].clone();
        lesson.group = lesson.data("create-group", &[]).await["id"].clone();
        lesson.recording = lesson.data("create-group", &[("hostId", json!("another"))]).await["id"].clone();
        let joining = [("groupId", lesson.recording.clone()), ("nodeId", node.clone())];
        lesson.data("join-group", &joining).await;
        for number in 0..MEMBERS {
            let node = if number == 0 { node.clone() } else { json!(number.to_string()) };
            let id = lesson.group.clone();
            lesson.data("join-group", &[("groupId", id.clone()), ("nodeId", node.clone())]).await;
            lesson.data("report-status", &[("groupId", id), ("nodeId", node)]).await;
        }
        lesson
    }

    /// The variables of a function's process.
    pub(crate) fn environment(&self, runtime_api: SocketAddr) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "f".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
            ("AWS_REGION", "local".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", self.engine)),
            ("TABLE_NAME", TABLE.to_owned()),
            ("MESH_SECRET_KEY", "a secret of enough length".to_owned()),
            ("MESH_APPSYNC_ENDPOINT", format!("http://{runtime_api}/graphql")),
        ]
    }

    /// The next event of an operation, which is sure to be answered with data.
    pub(crate) async fn event(&self, operation: &str) -> Bytes {
        let number = self.counter.fetch_add(1, Ordering::Relaxed).to_string();
        let Some(name) = OPERATIONS.iter().find(|name| **name == operation) else {
            return Bytes::from_static(b"{}");
        };
        let mut event = file(name);
        let mut arguments = vec![("groupId", self.group.clone())];
        match operation {
            "create-group" => {
                arguments = vec![("hostId", json!(number)), ("domain", json!(number))];
            }
            "leave-group" => {
                arguments.push(("nodeId", json!(number)));
                self.data("join-group", &arguments).await;
            }
            "dissolve-group" => {
                let host = [("hostId", json!(number)), ("domain", json!(number))];
                let id = self.data("create-group", &host).await["id"].clone();
                arguments = [("groupId", id)].into_iter().chain(host).collect();
            }
            "record-events-by-node" => {
                arguments = vec![("groupId", self.recording.clone())];
                event["arguments"]["events"][0]["eventName"] = json!(number);
            }
            "poll-group-data" => arguments.push(("since", json!(""))),
            _ => {}
        }
        with(event, &arguments).to_string().into()
    }

    /// What the operation answers, run in this process.
    async fn data(&self, operation: &str, arguments: &[(&str, Value)]) -> Value {
        let event = Event::parse(with(file(operation), arguments).to_string().as_bytes()).unwrap();
        let reply = event.call(2).unwrap().run(&self.context).await.unwrap();
        let answer: Value = serde_json::from_str(&event::data(&reply).unwrap()).unwrap();
        answer["data"].clone()
    }
}

/// An event of the project.
fn file(operation: &str) -> Value {
    let path = format!("{}/../../events/{operation}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The event with other arguments, of those that it has.
fn with(mut event: Value, arguments: &[(&str, Value)]) -> Value {
    for (name, value) in arguments {
        if let Some(argument) = event["arguments"].get_mut(*name) {
            *argument = value.clone();
        }
    }
    event
}
