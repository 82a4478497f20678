//! The hot paths, without sockets: what `instructions.sh` counts the instructions of.
//!
//! `hot_paths SCENARIO TIMES` runs a scenario so often. The difference between two runs is what the
//! scenario costs, without what it takes to set it up.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use bytes::Bytes;
use mesh_core::Context;
use mesh_core::id::GroupKey;
use mesh_core::settings::Settings;
use mesh_core::testing::TestClock;
use mesh_local::{LocalSettings, LocalStore};
use mesh_server::graphql::engine::Engine;
use mesh_server::graphql::request::{Request, mend_surrogates};
use mesh_server::limits::answers::Meter;
use mesh_server::limits::buffers::Buffers;
use mesh_server::limits::memory::MemoryLimits;
use mesh_server::realtime::hub::{Hub, Registration};
use mesh_server::realtime::outbound::Outbound;
use mesh_server::realtime::protocol::appsync;
use serde_json::{Value, json};
use tokio::io::AsyncWrite;

const MESSAGE: &str = "{ groupId domain nodeStatus { nodeId groupId domain data { key value } timestamp }
    batchEvent { events { name firedByNodeId groupId domain payload timestamp } firedByNodeId groupId domain timestamp }
    groupDissolve { groupId domain message } }";

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let scenario = arguments.next().unwrap_or_default();
    let times = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut harness = Harness::new().await;
        let body = match &*scenario {
            "report" => harness.report(),
            "batch" => harness.fire(1_000),
            "poll" => {
                for _ in 0..2 {
                    let fire = harness.fire(100);
                    harness.post(&fire).await;
                }
                harness.poll()
            }
            other => panic!("scenarios are report, batch and poll, not '{other}'"),
        };
        for _ in 0..times {
            harness.post(&body).await;
        }
    });
}

/// A group of forty nodes, each with a subscription whose frames go nowhere.
struct Harness {
    engine: Engine,
    context: Context<LocalStore>,
    buffers: Arc<Buffers>,
    group: String,
    sockets: Vec<(Registration, Outbound<Nowhere>)>,
}

impl Harness {
    async fn new() -> Self {
        let hub = Arc::<Hub>::default();
        let settings = LocalSettings {
            settings: Settings::default(),
            max_groups: 10,
            memory: MemoryLimits::default().store,
        };
        let store = LocalStore::in_memory(&settings, hub.clone()).unwrap();
        let clock = Arc::<TestClock>::default();
        let context = Context { store, clock, settings: settings.settings, domain_secret: None };
        let mut harness = Self {
            engine: Engine::new().unwrap(),
            context,
            buffers: Arc::default(),
            group: String::new(),
            sockets: Vec::new(),
        };
        let create = r#"mutation { createGroup(name: "n", hostId: "host", domain: "d") { id } }"#;
        let created = harness.post(&json!({"query": create}).to_string()).await;
        harness.group = created["data"]["createGroup"]["id"].as_str().unwrap().into();
        let query = format!(
            "subscription ($g: ID!, $d: String!) {{ onMessageInGroup(groupId: $g, domain: $d) {MESSAGE} }}"
        );
        let body = json!({"query": query, "variables": {"g": harness.group, "d": "d"}}).to_string();
        for number in 0..40 {
            let request = Request::parse(body.as_bytes()).unwrap();
            let subscription = harness.engine.subscription(&request).unwrap();
            let connection = hub.connect(std::net::Ipv4Addr::LOCALHOST.into());
            let id = format!("00000000-0000-4000-8000-{number:012}");
            let group = GroupKey { id: harness.group.as_str().into(), domain: "d".into() };
            let framing = appsync::framing(&id, &subscription.key);
            connection.subscribe(group, subscription.selection, framing, 0).unwrap();
            harness.sockets.push((connection, Outbound::new(Nowhere)));
        }
        harness
    }

    fn body(&self, query: &str, mut variables: Value) -> String {
        variables["g"] = json!(self.group);
        json!({"query": query, "variables": variables}).to_string()
    }

    fn report(&self) -> String {
        let query = format!(
            r#"mutation Report($g: ID!, $data: [SensorDataInput!]!) {{ reportDataByNode(groupId: $g, domain: "d", nodeId: "host", data: $data) {MESSAGE} }}"#
        );
        self.body(&query, json!({"data": [{"key": "score", "value": "a value of a variable"}]}))
    }

    fn fire(&self, events: usize) -> String {
        let query = format!(
            r#"mutation Fire($g: ID!, $events: [EventInput!]!) {{ fireEventsByNode(groupId: $g, domain: "d", nodeId: "host", events: $events) {MESSAGE} }}"#
        );
        let event = |number| json!({"eventName": format!("event{number}"), "payload": "", "firedAt": "2026-11-23T09:00:00.000Z"});
        self.body(&query, json!({"events": (0..events).map(event).collect::<Value>()}))
    }

    fn poll(&self) -> String {
        let query = r#"query Poll($g: ID!) { pollGroupData(groupId: $g, domain: "d", since: "") {
            events { name firedByNodeId groupId domain payload timestamp cursor orderKey }
            nodeStatuses { nodeId data { key value } timestamp } complete } }"#;
        self.body(query, json!({}))
    }

    /// One request, from its body to its answer and to the frames of all subscribers.
    async fn post(&mut self, body: &str) -> Value {
        let body = mend_surrogates(Bytes::copy_from_slice(body.as_bytes()));
        let request = Request::parse(&body).unwrap();
        let prepared =
            self.engine.prepare(&request, None).map_err(|errors| errors[0].message.clone()).unwrap();
        let answer = prepared
            .run(&self.context, &mut self.buffers.hold(std::net::Ipv4Addr::LOCALHOST.into()), &Meter::OFF)
            .await
            .unwrap();
        for (connection, outbound) in &mut self.sockets {
            outbound.flush(connection.queue()).await.unwrap();
        }
        if self.group.is_empty() { serde_json::from_slice(&answer.json).unwrap() } else { Value::Null }
    }
}

/// A socket that takes everything.
struct Nowhere;

impl AsyncWrite for Nowhere {
    fn poll_write(self: Pin<&mut Self>, _: &mut task::Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
