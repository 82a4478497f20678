//! Attacks, as tests: what one hostile client does, and that it stays that client's own loss. Nothing here
//! measures time: bytes, counts and answers tell. What others get of it, [`others`] compares with a server that nobody
//! attacks.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, unreachable_pub)]

mod answers;
mod boards;
mod clock;
mod cursors;
mod events;
mod names;
mod others;
mod rates;
mod sockets;
mod subscriptions;

use mesh_server::testing as support;
use serde_json::Value;

use support::TestServer;

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
