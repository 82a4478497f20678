//! What the teacher's board asks for.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{ADMIN_KEY, DISSOLVE, FIRE, JOIN, KEY, REPORT, TestServer, event};

/// Only a broken test waits so long.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An open board, and what it would show.
pub(crate) struct Board {
    lobby: Value,
    body: Incoming,
    received: Vec<u8>,
    nodes: HashMap<String, Value>,
    values: HashMap<(String, String), Value>,
    events: Vec<Value>,
    /// Of the group that changed last.
    listeners: u64,
    gone: Vec<Value>,
    ended: Vec<Value>,
    groups: Vec<Value>,
    opened: Value,
    number: u64,
    bill: Value,
}

impl Board {
    async fn open(server: &TestServer) -> Self {
        let body = connect(server, ADMIN_KEY).await.unwrap();
        Self {
            body,
            lobby: Value::Null,
            received: Vec::new(),
            nodes: HashMap::new(),
            values: HashMap::new(),
            events: Vec::new(),
            listeners: 0,
            gone: Vec::new(),
            ended: Vec::new(),
            groups: Vec::new(),
            opened: Value::Null,
            number: 0,
            bill: Value::Null,
        }
    }

    /// An open board that shows how pupils come in.
    pub(crate) async fn lobby(server: &TestServer) -> Self {
        let mut board = Self::open(server).await;
        board.until(|board| board.lobby.is_object()).await;
        board
    }

    pub(crate) fn code(&self) -> &str {
        self.lobby["code"].as_str().unwrap()
    }

    /// Takes frames until the board shows something.
    async fn until(&mut self, shows: impl Fn(&Self) -> bool) {
        while !shows(self) {
            let frame = self.frame().await;
            self.apply(&frame);
        }
    }

    async fn frame(&mut self) -> Value {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<_> = self.received.drain(..end + 2).collect();
                let text = String::from_utf8(event).unwrap();
                if let Some(data) = text.strip_prefix("data: ") {
                    return serde_json::from_str(data.trim()).unwrap();
                }
            } else {
                let frame = timeout(TIMEOUT, self.body.frame()).await.expect("a frame in time");
                self.received.extend_from_slice(frame.expect("an open board").unwrap().data_ref().unwrap());
            }
        }
    }

    fn apply(&mut self, frame: &Value) {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        for group in list(&frame["groups"]) {
            self.listeners = group["listeners"].as_u64().unwrap_or(0);
            if !group["about"].is_null() {
                self.groups.push(group["about"].clone());
            }
            for node in list(&group["nodes"]) {
                let id = node["id"].as_str().unwrap().to_owned();
                for pair in list(&node["values"]) {
                    let key = pair[0].as_str().unwrap().to_owned();
                    self.values.insert((id.clone(), key), pair[1].clone());
                }
                self.nodes.insert(id, node);
            }
            self.gone.extend(list(&group["gone"]));
        }
        if frame["lobby"].is_object() {
            self.lobby = frame["lobby"].clone();
        }
        self.events.extend(list(&frame["events"]));
        self.ended.extend(list(&frame["ended"]));
        self.opened = frame["opened"].clone();
        self.number = frame["board"].as_u64().unwrap();
        self.bill = frame["bill"].clone();
    }

    /// Opens a group on it, or none, and takes frames until it is.
    async fn open_group(&mut self, server: &TestServer, group: Option<&str>) {
        let body = json!({"board": self.number, "groupId": group});
        assert_eq!(admin(server, "open", ADMIN_KEY, &body).await, StatusCode::NO_CONTENT);
        self.until(|board| board.opened.as_str() == group).await;
    }

    fn value(&self, node: &str, key: &str) -> Option<&str> {
        self.values.get(&(node.to_owned(), key.to_owned())).and_then(Value::as_str)
    }
}

async fn connect(server: &TestServer, key: &str) -> Result<Incoming, StatusCode> {
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/admin/board").header("host", "localhost").header("x-admin-key", key);
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    if response.status() == StatusCode::OK {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Ok(response.into_body())
    } else {
        Err(response.status())
    }
}

async fn dissolve(server: &TestServer, key: &str, body: &Value) -> StatusCode {
    admin(server, "dissolve", key, body).await
}

async fn admin(server: &TestServer, what: &str, key: &str, body: &Value) -> StatusCode {
    let headers = [("x-admin-key", key), ("content-type", "application/json")];
    let (path, body) = (format!("/admin/{what}"), body.to_string());
    server.client().await.send(Method::POST, &path, &headers, body.as_bytes()).await.status
}

#[tokio::test]
async fn nothing_is_told_without_the_admin_key() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut client = server.client().await;
    for headers in [&[][..], &[("x-api-key", ADMIN_KEY)], &[("x-admin-key", "")]] {
        let response = client.send(Method::GET, "/admin/board", headers, b"").await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        assert!(!String::from_utf8_lossy(&response.body).contains(&group));
    }
    // The pupils' key is not the teacher's, nor the other way round.
    assert_eq!(connect(&server, KEY).await.err(), Some(StatusCode::UNAUTHORIZED));
    let body = json!({"groupId": group, "domain": "d"});
    assert_eq!(dissolve(&server, KEY, &body).await, StatusCode::UNAUTHORIZED);
    let headers = [("x-api-key", ADMIN_KEY)];
    let asked = client.send(Method::POST, "/graphql", &headers, br#"{"query":"{__typename}"}"#).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    // A page of another origin may not even try.
    let headers = [("origin", "https://evil.example"), ("access-control-request-headers", "x-admin-key")];
    let preflight = client.send(Method::OPTIONS, "/admin/board", &headers, b"").await;
    assert_eq!(preflight.header("access-control-allow-origin"), None);
    assert_eq!(preflight.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_board_follows_a_lesson() {
    let server = TestServer::start().await;
    let group = server.create("alice").await;
    server.join(&group, "bob").await;
    let report =
        |node: &str, value: &str| json!({"g": group, "n": node, "data": [{"key": "score", "value": value}]});
    server.data(REPORT, report("bob", "1")).await;

    let mut board = Board::open(&server).await;
    board.until(|board| board.value("bob", "score") == Some("1")).await;
    let about = &board.groups[0];
    assert_eq!(
        (&about["name"], &about["domain"], &about["host"]),
        (&json!("n"), &json!("d"), &json!("alice"))
    );
    let invitation = about["invitation"]["url"].as_str().unwrap();
    assert!(
        invitation.contains("/join/#code=") && invitation.contains("&group=") && !invitation.contains(KEY)
    );
    assert_eq!(board.nodes["alice"]["state"], "here");

    server.data(REPORT, report("bob", "2")).await;
    server.data(FIRE, json!({"g": group, "n": "bob", "events": [event("goal")]})).await;
    board.until(|board| board.value("bob", "score") == Some("2") && !board.events.is_empty()).await;
    assert_eq!((&board.events[0]["name"], &board.events[0]["node"]), (&json!("goal"), &json!("bob")));
    assert_eq!(board.bill["requests"], 5);
    assert!(board.bill["dollars"].as_f64().unwrap() > 0.0);

    server.data(JOIN, json!({"g": group, "n": "carol", "ws": false})).await;
    board.until(|board| board.nodes.get("carol").is_some_and(|carol| carol["polls"] == true)).await;
    let leave = r#"mutation ($g: ID!) { leaveGroup(groupId: $g, domain: "d", nodeId: "carol") { peerId } }"#;
    server.data(leave, json!({"g": group})).await;
    board.until(|board| board.gone.contains(&json!({"id": "carol", "lost": false}))).await;

    server.data(DISSOLVE, json!({"g": group, "h": "alice"})).await;
    board.until(|board| board.ended.contains(&json!({"id": group, "reason": "dissolved"}))).await;
}

#[tokio::test]
async fn values_are_told_of_the_opened_group_alone() {
    let server = TestServer::start().await;
    let (first, second) = (server.create("alice").await, server.create("bob").await);
    let report = async |group: &str, node: &str, value: &str| {
        let data = json!([{"key": "score", "value": value}]);
        server.data(REPORT, json!({"g": group, "n": node, "data": data})).await;
    };
    report(&first, "alice", "1").await;
    report(&second, "bob", "2").await;

    let mut board = Board::lobby(&server).await;
    assert_eq!((board.groups.len(), &board.opened), (2, &Value::Null));
    assert!(board.values.is_empty(), "{:?}", board.values);
    board.open_group(&server, Some(&first)).await;
    assert_eq!((board.value("alice", "score"), board.value("bob", "score")), (Some("1"), None));
    board.open_group(&server, Some(&second)).await;
    assert_eq!(board.value("bob", "score"), Some("2"));
    // What changes in a group that is not opened is told when it is, and what the board knows is not told again.
    report(&first, "alice", "3").await;
    board.open_group(&server, None).await;
    assert_eq!(board.value("alice", "score"), Some("1"));
    board.values.clear();
    board.open_group(&server, Some(&second)).await;
    board.open_group(&server, Some(&first)).await;
    assert_eq!((board.value("alice", "score"), board.value("bob", "score")), (Some("3"), None));

    // One that is alone is opened by itself.
    board.open_group(&server, None).await;
    server.data(DISSOLVE, json!({"g": first, "h": "alice"})).await;
    board.until(|board| board.opened == *second).await;

    let unknown = json!({"board": 1_000, "groupId": first});
    assert_eq!(admin(&server, "open", ADMIN_KEY, &unknown).await, StatusCode::NOT_FOUND);
    assert_eq!(admin(&server, "open", ADMIN_KEY, &json!({})).await, StatusCode::BAD_REQUEST);
    assert_eq!(admin(&server, "open", KEY, &unknown).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_comes_back_begins_without_values() {
    let server = TestServer::start().await;
    let group = server.create("alice").await;
    let mut board = Board::open(&server).await;
    server.join(&group, "bob").await;
    board.until(|board| board.nodes.contains_key("bob")).await;
    let leave = r#"mutation ($g: ID!) { leaveGroup(groupId: $g, domain: "d", nodeId: "bob") { peerId } }"#;
    server.data(leave, json!({"g": group})).await;
    server.join(&group, "bob").await;
    board.nodes.clear();
    board.until(|board| board.nodes.get("bob").is_some_and(|bob| bob["isNew"] == true)).await;
}

#[tokio::test]
async fn a_board_tells_who_is_silent_lost_or_cut_off() {
    let server = TestServer::start().await;
    let group = server.create("alice").await;
    server.join(&group, "bob").await;
    let mut board = Board::open(&server).await;
    let socket = server.subscribed(&group).await;
    board.until(|board| board.nodes.contains_key("bob")).await;
    // Both join from this machine; as long as one connection of it listens, nobody is cut off.
    board.until(|board| board.listeners == 1).await;
    drop(socket);
    board.until(|board| board.nodes["bob"]["state"] == "cutOff").await;
    // The host renews its heartbeat, the member does not.
    let renew =
        r#"mutation ($g: ID!) { renewHeartbeat(groupId: $g, domain: "d", hostId: "alice") { groupId } }"#;
    for _ in 0..2 {
        server.clock.advance(Duration::from_secs(100));
        server.data(renew, json!({"g": group})).await;
    }
    board.until(|board| board.nodes["bob"]["state"] == "silent").await;
    for _ in 0..4 {
        server.clock.advance(Duration::from_secs(101));
        server.data(renew, json!({"g": group})).await;
    }
    board.until(|board| board.gone.contains(&json!({"id": "bob", "lost": true}))).await;
    server.clock.advance(Duration::from_secs(200));
    board.until(|board| board.ended.contains(&json!({"id": group, "reason": "hostLost"}))).await;
}

#[tokio::test]
async fn the_teacher_ends_a_group() {
    let server = TestServer::start().await;
    let group = server.create("alice").await;
    let mut socket = server.subscribed(&group).await;
    let wrong = json!({"groupId": group, "domain": "another"});
    assert_eq!(dissolve(&server, ADMIN_KEY, &wrong).await, StatusCode::CONFLICT);
    let right = json!({"groupId": group, "domain": "d"});
    let mut board = Board::lobby(&server).await;
    assert_eq!(dissolve(&server, ADMIN_KEY, &right).await, StatusCode::NO_CONTENT);
    let message = socket.data("1").await["groupDissolve"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("dissolved") && message.contains("teacher"), "{message}");
    board.until(|board| board.ended.contains(&json!({"id": group, "reason": "byTeacher"}))).await;
    assert_eq!(dissolve(&server, ADMIN_KEY, &right).await, StatusCode::CONFLICT);
    assert_eq!(dissolve(&server, ADMIN_KEY, &json!({})).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_teacher_takes_a_node_out_of_its_group() {
    let server = TestServer::start().await;
    let group = server.create("alice").await;
    server.join(&group, "bob").await;
    let mut board = Board::lobby(&server).await;
    let bob = json!({"groupId": group, "domain": "d", "nodeId": "bob"});
    assert_eq!(admin(&server, "remove", KEY, &bob).await, StatusCode::UNAUTHORIZED);
    assert_eq!(admin(&server, "remove", ADMIN_KEY, &bob).await, StatusCode::NO_CONTENT);
    board.until(|board| board.gone.contains(&json!({"id": "bob", "lost": false}))).await;
    let told =
        server.ask(REPORT, json!({"g": group, "n": "bob", "data": [{"key": "k", "value": "v"}]})).await;
    assert_eq!(told["errors"][0]["errorType"], "NodeNotFound");
    assert_eq!(admin(&server, "remove", ADMIN_KEY, &bob).await, StatusCode::CONFLICT);
    assert_eq!(admin(&server, "remove", ADMIN_KEY, &json!({"nodeId": "bob"})).await, StatusCode::BAD_REQUEST);
    // It may join again; without its host there is no group.
    server.join(&group, "bob").await;
    let alice = json!({"groupId": group, "domain": "d", "nodeId": "alice"});
    assert_eq!(admin(&server, "remove", ADMIN_KEY, &alice).await, StatusCode::NO_CONTENT);
    board.until(|board| board.ended.contains(&json!({"id": group, "reason": "byTeacher"}))).await;
}

#[tokio::test]
async fn nodes_have_names_and_the_teacher_may_change_them() {
    let server = TestServer::start().await;
    let group = server.create("alice").await;
    let join = r#"mutation ($g: ID!, $name: String) {
        joinGroup(groupId: $g, domain: "d", nodeId: "bob", name: $name) { name } }"#;
    server.data(join, json!({"g": group, "name": "ねこ"})).await;
    let mut board = Board::lobby(&server).await;
    board.until(|board| board.nodes.get("bob").is_some_and(|bob| bob["name"] == "ねこ")).await;
    assert!(board.nodes["alice"]["name"].is_null(), "a host has no name");

    let named = |name: &str| json!({"groupId": group, "domain": "d", "nodeId": "bob", "name": name});
    assert_eq!(admin(&server, "rename", KEY, &named("いぬ")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(admin(&server, "rename", ADMIN_KEY, &named("いぬ")).await, StatusCode::NO_CONTENT);
    board.until(|board| board.nodes["bob"]["name"] == "いぬ").await;
    let list = r#"query ($g: ID!) { listNodesInGroup(groupId: $g, domain: "d") { name } }"#;
    let listed = server.data(list, json!({"g": group})).await;
    assert_eq!(listed["listNodesInGroup"][0]["name"], "いぬ");
    for name in ["", "a\tb", &"x".repeat(41)] {
        assert_eq!(admin(&server, "rename", ADMIN_KEY, &named(name)).await, StatusCode::CONFLICT, "{name:?}");
    }
    let host = json!({"groupId": group, "domain": "d", "nodeId": "alice", "name": "x"});
    assert_eq!(admin(&server, "rename", ADMIN_KEY, &host).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_board_that_stalls_costs_a_bounded_amount() {
    let server = TestServer::start().await;
    let group = server.create("alice").await;
    let mut boards = Vec::new();
    for _ in 0..8 {
        boards.push(Board::open(&server).await);
    }
    assert_eq!(connect(&server, ADMIN_KEY).await.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    // None of them reads while more happens than one can be told.
    let payload = "x".repeat(1_000);
    for number in 0..300 {
        let events: Vec<_> = (0..10)
            .map(|_| json!({"eventName": number.to_string(), "payload": payload, "firedAt": "2026-11-23T09:00:00.000Z"}))
            .collect();
        server.data(FIRE, json!({"g": group, "n": "alice", "events": events})).await;
    }
    let mut board = boards.pop().unwrap();
    board.until(|board| board.events.last().is_some_and(|event| event["name"] == "299")).await;
    assert!(board.events.iter().all(|event| event["payload"].as_str().unwrap().chars().count() == 121));
    drop((board, boards));
    // Their places are free again once the server has seen them go.
    let freed = async { while connect(&server, ADMIN_KEY).await.is_err() {} };
    timeout(TIMEOUT, freed).await.expect("closed boards to be forgotten");
}
