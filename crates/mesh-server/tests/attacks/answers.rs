//! Small queries with large answers.

use std::time::Duration;

use hyper::{Method, StatusCode};
use mesh_server::limits::buffers::BufferLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{FIRE, JOIN, KEY, Options, REPORT, Socket, TestServer, event};
use crate::{error_type, figure, others, seconds};

/// The most bytes of an answer's data.
const MOST: usize = 5_242_880;

/// A group with an event of 200 kB, half of which must be escaped.
async fn with_large_event(server: &TestServer) -> String {
    let group = server.create("h").await;
    let mut large = event("e");
    large["payload"] = json!("\u{1}".repeat(38_000));
    server.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;
    // The group keeps events from its first poll on.
    poll(server, &group).await;
    server.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;
    group
}

async fn poll(server: &TestServer, group: &str) {
    let query = format!(r#"{{ getEventsSince(groupId: "{group}", domain: "d", since: "") {{ name }} }}"#);
    server.data(&query, json!({})).await;
}

fn aliases(count: usize) -> String {
    (0..count).map(|number| format!("a{number}: payload")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn an_answer_ends_at_five_megabytes() {
    let server = TestServer::start().await;
    let group = with_large_event(&server).await;
    let query = |fields: usize, below: usize| {
        let aliases = aliases(below);
        let field = |number: usize| {
            format!(
                r#"f{number}: getEventsSince(groupId: "{group}", domain: "d", since: "") {{ {aliases} }} "#
            )
        };
        format!("{{ {} }}", (0..fields).map(field).collect::<Vec<_>>().concat())
    };
    let answer = server.ask(&query(1, 2), json!({})).await;
    assert!(answer.get("errors").is_none(), "little is answered: {}", error_type(&answer));
    // 50 aliases of the event come to more than 10 MB.
    let answer = server.ask(&query(1, 50), json!({})).await;
    assert_eq!(error_type(&answer), "ValidationError");
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains(&MOST.to_string()) && message.contains("fewer"), "{message}");
    // What is answered of many fields is below the limit, whatever is asked.
    let whole = server.client().await.post(json!({"query": query(20, 2)}).to_string().as_bytes()).await;
    assert!(whole.body.len() < MOST + 20_000, "{}", whole.body.len());
    assert_eq!(error_type(&whole.json()), "ValidationError");
    others::feel_nothing(&server).await;
}

#[tokio::test]
async fn the_schema_is_not_answered_many_times() {
    let server = TestServer::start().await;
    let all = "__schema { types { name fields { name type { name } } } }";
    let once = server.ask(&format!("{{ {all} }}"), json!({})).await;
    assert!(once.get("errors").is_none(), "{once}");
    let many = (0..50).map(|number| format!("a{number}: {all}")).collect::<Vec<_>>().join(" ");
    assert_eq!(error_type(&server.ask(&format!("{{ {many} }}"), json!({})).await), "ValidationError");
    let deep = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
    assert_eq!(error_type(&server.ask(deep, json!({})).await), "ValidationError");
}

/// A group of 13 nodes, each with so many keys; and a query of its statuses under many aliases.
async fn with_values(server: &TestServer, keys: usize) -> impl Fn(usize) -> String {
    let group = server.create("n0").await;
    for node in 0..13 {
        let node = format!("n{node}");
        server.data(JOIN, json!({"g": group, "n": node})).await;
        for part in 0..keys.div_ceil(250) {
            let key = |key: usize| json!({"key": format!("{part}.{key}"), "value": ""});
            let data: Vec<_> = (0..keys.min(250)).map(key).collect();
            server.data(REPORT, json!({"g": group, "n": node, "data": data})).await;
        }
    }
    move |fields: usize| {
        let field = |number: usize| {
            format!(r#"f{number}: listGroupStatuses(groupId: "{group}", domain: "d") {{ nodeId }} "#)
        };
        format!("{{ {} }}", (0..fields).map(field).collect::<Vec<_>>().concat())
    }
}

/// Reading costs a reference for each node, whatever the node has: the lock is not held longer for more values.
#[tokio::test]
async fn reading_values_locks_the_store_shortly() {
    let mut held = Vec::new();
    for keys in [1, 1_000] {
        let server = TestServer::start().await;
        let query = with_values(&server, keys).await;
        let before = seconds(&server, "mesh_store_locked_seconds_total").await;
        for _ in 0..5 {
            assert!(server.ask(&query(40), json!({})).await.get("errors").is_none());
        }
        held.push(seconds(&server, "mesh_store_locked_seconds_total").await - before);
    }
    // 200 reads of 13,000 values, two and a half million in all: to copy them took more than a second.
    assert!(held[1] < held[0] * 10.0 + 0.2, "{held:?}");
}

#[tokio::test]
async fn a_request_looks_at_a_bounded_number_of_values() {
    let server = TestServer::start().await;
    // Each field looks at 13,000 values and shows none of them, so bytes do not end it.
    let query = with_values(&server, 1_000).await;
    assert!(server.ask(&query(40), json!({})).await.get("errors").is_none());
    let answer = server.ask(&query(50), json!({})).await;
    assert_eq!(error_type(&answer), "ValidationError");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("600000"), "{}", answer["errors"]);
    others::feel_nothing(&server).await;
}

/// Clients that ask and take nothing: their answers are held within bounds, and others are told to wait.
#[tokio::test]
async fn answers_that_nobody_takes_are_bounded() {
    let buffers = BufferLimits { total: 24 << 20, per_address: 8 << 20 };
    let options = Options { buffers, trusted_proxies: 1, ..Options::default() };
    let server = TestServer::start_with(options).await;
    let create = r#"mutation { createGroup(name: "n", hostId: "h", domain: "d") { id } }"#;
    let created = post(&server, "192.0.2.9", create).await;
    let group = created["data"]["createGroup"]["id"].as_str().unwrap().to_owned();
    let fire = format!(
        r#"mutation {{ fireEventsByNode(groupId: "{group}", domain: "d", nodeId: "h", events: [{{eventName: "e", firedAt: "2026-11-23T09:00:00.000Z", payload: "{}"}}]) {{ groupId }} }}"#,
        "x".repeat(200_000)
    );
    let since = format!(r#"{{ getEventsSince(groupId: "{group}", domain: "d", since: "") {{ name }} }}"#);
    post(&server, "192.0.2.9", &since).await;
    post(&server, "192.0.2.9", &fire).await;
    let large =
        format!(r#"{{ getEventsSince(groupId: "{group}", domain: "d", since: "") {{ {} }} }}"#, aliases(20));
    let body = json!({"query": large}).to_string();
    let mut greedy = Vec::new();
    for _ in 0..8 {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\nx-forwarded-for: 192.0.2.1\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).await.unwrap();
        greedy.push((socket, String::from_utf8(status.to_vec()).unwrap()));
    }
    let of = |code: &str| greedy.iter().filter(|(_, status)| status.ends_with(code)).count();
    assert!(of("200") >= 1 && of("429") >= 4 && of("200") + of("429") == 8, "{:?}", of("200"));
    // Somebody else gets the same answer, and it is whole.
    let answer = post(&server, "192.0.2.2", &large).await;
    assert_eq!(answer["data"]["getEventsSince"][0]["a19"].as_str().unwrap().len(), 200_000);
}

/// A socket that asks and takes nothing: its next request is read when the answer before has left.
#[tokio::test]
async fn a_socket_that_takes_no_answers_holds_one() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    poll(&server, &group).await;
    let mut large = event("e");
    large["payload"] = json!("x".repeat(200_000));
    server.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;

    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("x-api-key", KEY)];
    let mut socket = Socket::upgrade(server.address, "/graphql", &headers).await.unwrap();
    socket.send(json!({"type": "connection_init"})).await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    let large =
        format!(r#"{{ getEventsSince(groupId: "{group}", domain: "d", since: "") {{ {} }} }}"#, aliases(20));
    for id in 0..10 {
        let payload = json!({"query": large});
        socket.send(json!({"id": id.to_string(), "type": "subscribe", "payload": payload})).await;
    }
    let held = async || figure(&server, "mesh_memory_bytes{kind=\"held\"}").await;
    timeout(Duration::from_secs(20), async { while held().await == 0 {} }).await.expect("answers that wait");
    others::feel_nothing(&server).await;
    let held = held().await;
    assert!(held < 5 << 20, "{held} bytes of ten answers of four megabytes");
    for id in 0..10 {
        let next = socket.next().await;
        assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!(id.to_string())));
        assert_eq!(next["payload"]["data"]["getEventsSince"][0]["a19"].as_str().unwrap().len(), 200_000);
        assert_eq!(socket.next().await["type"], "complete");
    }
}

async fn post(server: &TestServer, from: &str, query: &str) -> serde_json::Value {
    let headers = [("x-api-key", KEY), ("x-forwarded-for", from)];
    let body = json!({"query": query}).to_string();
    let response = server.client().await.send(Method::POST, "/graphql", &headers, body.as_bytes()).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    response.json()
}

/// Bodies that begin and do not end.
#[tokio::test]
async fn unfinished_bodies_are_bounded() {
    let buffers = BufferLimits { total: 2 << 20, per_address: 2 << 20 };
    let server = TestServer::start_with(Options { buffers, ..Options::default() }).await;
    let mut sockets = Vec::new();
    for _ in 0..4 {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: 1048576\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&vec![b' '; 1_048_575]).await.unwrap();
        sockets.push(socket);
    }
    // None is whole, and two fit at most. Only a broken server lets this wait for ever.
    let refused = r#"mesh_requests_total{operation="",result="LimitExceededError"}"#;
    let waiting = async { while figure(&server, refused).await < 2 {} };
    timeout(Duration::from_secs(20), waiting).await.expect("refusals");
    assert!(figure(&server, "mesh_memory_bytes{kind=\"held\"}").await <= 2 << 20);
    // All finish; those that had no room are told so.
    let mut statuses = Vec::new();
    for mut socket in sockets {
        socket.write_all(b" ").await.unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).await.unwrap();
        statuses.push(String::from_utf8(status.to_vec()).unwrap());
    }
    assert!(statuses.iter().filter(|status| status.ends_with("429")).count() >= 2, "{statuses:?}");
    others::feel_nothing(&server).await;
}
