//! Attacks, as tests: what one hostile client does, and that it stays that client's own loss. Nothing here
//! measures time: bytes, counts and answers tell.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, unreachable_pub)]

mod answers;
mod boards;
mod clock;
mod cursors;
mod events;
mod names;
mod rates;
mod sockets;
mod subscriptions;

use mesh_server::testing as support;
use serde_json::{Value, json};

use support::{FIRE, TestServer, event};

/// A group that still serves everybody else.
async fn still_works(server: &TestServer) {
    let group = server.create("still works").await;
    let mut socket = server.subscribed(&group).await;
    server.data(FIRE, json!({"g": group, "n": "still works", "events": [event("e")]})).await;
    socket.data("1").await;
}

/// The word of an answer's first error.
fn error_type(answer: &Value) -> &str {
    answer["errors"][0]["errorType"].as_str().unwrap_or_default()
}

/// A figure of /metrics that counts.
async fn figure(server: &TestServer, name: &str) -> u64 {
    reading(server, name).await.parse().unwrap()
}

/// A figure of /metrics that measures time.
async fn seconds(server: &TestServer, name: &str) -> f64 {
    reading(server, name).await.parse().unwrap()
}

async fn reading(server: &TestServer, name: &str) -> String {
    let metrics = server.client().await.send(hyper::Method::GET, "/metrics", &[], b"").await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
    line.to_owned()
}
