//! The GraphQL over WebSocket protocol, message by message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{CREATE, EVERYTHING, FIRE, KEY, Options, REPORT, Socket, TestServer, event};
use mesh_server::limits::rates::{Flood, RateLimits};

const OFFERED: [(&str, &str); 1] = [("sec-websocket-protocol", "graphql-transport-ws")];

async fn open(server: &TestServer) -> Socket {
    let socket = Socket::upgrade(server.address, "/graphql", &OFFERED).await.unwrap();
    assert_eq!(socket.response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
    socket
}

async fn acknowledged(server: &TestServer) -> Socket {
    let mut socket = open(server).await;
    socket.send(json!({"type": "connection_init", "payload": {"x-api-key": KEY}})).await;
    assert_eq!(socket.next().await, json!({"type": "connection_ack"}));
    socket
}

async fn subscribe(socket: &mut Socket, id: &str, query: &str, variables: Value) {
    let payload = json!({"query": query, "variables": variables});
    socket.send(json!({"id": id, "type": "subscribe", "payload": payload})).await;
}

/// Listens to every field of a group's messages; what is asked behind it is answered when it is there.
async fn listen(socket: &mut Socket, id: &str, group: &str) {
    let query = format!(
        "subscription ($g: ID!) {{ onMessageInGroup(groupId: $g, domain: \"d\") {{ {EVERYTHING} }} }}"
    );
    subscribe(socket, id, &query, json!({"g": group})).await;
    heard_nothing(socket).await;
}

/// Makes sure that nothing came: a ping is answered behind everything before it.
async fn heard_nothing(socket: &mut Socket) {
    socket.send(json!({"type": "ping"})).await;
    assert_eq!(socket.next().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn messages_come_and_end() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = acknowledged(&server).await;
    let mut beside = server.subscribed(&group).await;
    listen(&mut socket, "a", &group).await;
    server.data(REPORT, json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]})).await;
    server.data(FIRE, json!({"g": group, "n": "h", "events": [event("e")]})).await;
    for _ in 0..2 {
        let message = beside.data("1").await;
        let expected = json!({"id": "a", "type": "next", "payload": {"data": {"onMessageInGroup": message}}});
        assert_eq!(socket.next().await, expected, "the same as by AppSync's protocol");
    }
    socket.send(json!({"id": "a", "type": "complete"})).await;
    socket.send(json!({"id": "never begun", "type": "complete"})).await;
    heard_nothing(&mut socket).await;
    server.data(FIRE, json!({"g": group, "n": "h", "events": [event("unheard")]})).await;
    heard_nothing(&mut socket).await;
    // An id that was completed may begin again.
    listen(&mut socket, "a", &group).await;
    server.data(FIRE, json!({"g": group, "n": "h", "events": [event("heard")]})).await;
    let heard = socket.next().await;
    assert_eq!(
        heard["payload"]["data"]["onMessageInGroup"]["batchEvent"]["events"][0]["name"], "heard",
        "{heard}"
    );
}

#[tokio::test]
async fn queries_and_mutations_have_one_answer_and_an_end() {
    let server = TestServer::start().await;
    let mut socket = acknowledged(&server).await;
    subscribe(&mut socket, "1", CREATE, json!({"hostId": "h"})).await;
    let created = socket.next().await;
    assert_eq!((&created["id"], &created["type"]), (&json!("1"), &json!("next")), "{created}");
    let group = created["payload"]["data"]["createGroup"]["id"].as_str().unwrap().to_owned();
    assert_eq!(socket.next().await, json!({"id": "1", "type": "complete"}));

    // What a mutation makes comes before its answer, as it does in the store.
    listen(&mut socket, "live", &group).await;
    subscribe(&mut socket, "1", FIRE, json!({"g": group, "n": "h", "events": [event("e")]})).await;
    let (message, answer) = (socket.next().await, socket.next().await);
    assert_eq!((&message["id"], &answer["id"]), (&json!("live"), &json!("1")));
    assert_eq!(
        message["payload"]["data"]["onMessageInGroup"]["batchEvent"]["events"],
        answer["payload"]["data"]["fireEventsByNode"]["batchEvent"]["events"]
    );
    assert_eq!(socket.next().await, json!({"id": "1", "type": "complete"}));

    // A refusal of an operation is an answer, as it is over HTTP.
    let query = r#"query { listNodesInGroup(groupId: "nobody's", domain: "d") { id } }"#;
    subscribe(&mut socket, "2", query, json!({})).await;
    let answer = socket.next().await;
    assert_eq!(answer["payload"], server.ask(query, json!({})).await);
    assert_eq!(answer["payload"]["errors"][0]["errorType"], "GroupNotFound");
    assert_eq!(socket.next().await["type"], "complete");
}

#[tokio::test]
async fn requests_that_do_not_fit_are_errors_of_their_own() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = acknowledged(&server).await;
    listen(&mut socket, "live", &group).await;
    for query in [
        "query {",
        "query { nope }",
        "mutation { nope }",
        "subscription { onMessageInGroup(groupId: \"g\", domain: \"d\") { nope } }",
        "subscription ($g: ID!) { onMessageInGroup(groupId: $g, domain: \"d\") { groupId } }",
        "subscription { onMessageInGroup(groupId: \"\", domain: \"d\") { groupId } }",
    ] {
        subscribe(&mut socket, "1", query, json!({})).await;
        let error = socket.next().await;
        assert_eq!((&error["id"], &error["type"]), (&json!("1"), &json!("error")), "{query}: {error}");
        assert_eq!(error["payload"][0]["errorType"], "ValidationError", "{query}: {error}");
        assert!(error["payload"][0]["message"].is_string(), "{query}: {error}");
    }
    server.data(FIRE, json!({"g": group, "n": "h", "events": [event("e")]})).await;
    assert_eq!(socket.next().await["id"], "live", "others go on");
}

#[tokio::test]
async fn subscriptions_are_bounded() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = acknowledged(&server).await;
    for number in 0..100 {
        listen(&mut socket, &number.to_string(), &group).await;
    }
    let query = "subscription { onMessageInGroup(groupId: \"g\", domain: \"d\") { groupId } }";
    subscribe(&mut socket, "one more", query, json!({})).await;
    let error = socket.next().await;
    assert_eq!(error["payload"][0]["errorType"], "MaxSubscriptionsReachedError", "{error}");
}

#[tokio::test]
async fn a_message_too_large_for_a_selection_is_said_and_the_next_one_comes() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = acknowledged(&server).await;
    let thrice = "subscription ($g: ID!) { onMessageInGroup(groupId: $g, domain: \"d\") {
        a: nodeStatus { data { value } } b: nodeStatus { data { value } } c: nodeStatus { data { value } } } }";
    subscribe(&mut socket, "1", thrice, json!({"g": group})).await;
    heard_nothing(&mut socket).await;
    for value in ["x".repeat(100_000), "y".into()] {
        let data = json!([{"key": "k", "value": value}]);
        server.data(REPORT, json!({"g": group, "n": "h", "data": data})).await;
    }
    let refused = socket.next().await;
    assert_eq!((&refused["id"], &refused["type"]), (&json!("1"), &json!("next")), "{refused}");
    assert_eq!(refused["payload"]["data"], json!(null));
    assert_eq!(refused["payload"]["errors"][0]["errorType"], "ValidationError");
    let next = socket.next().await;
    assert_eq!(next["payload"]["data"]["onMessageInGroup"]["c"]["data"][0]["value"], "y", "{next}");
}

#[tokio::test]
async fn keys_come_in_three_places() {
    let server = TestServer::start().await;
    let with_header = [OFFERED[0], ("x-api-key", KEY)];
    let mut socket = Socket::upgrade(server.address, "/graphql/realtime", &with_header).await.unwrap();
    socket.send(json!({"type": "connection_init"})).await;
    assert_eq!(socket.next().await["type"], "connection_ack");

    let header = json!({"host": "h", "x-api-key": KEY}).to_string();
    let path = format!("/graphql?header={}", STANDARD.encode(header));
    let mut socket = Socket::upgrade(server.address, &path, &OFFERED).await.unwrap();
    socket.send(json!({"type": "connection_init", "payload": {}})).await;
    assert_eq!(socket.next().await["type"], "connection_ack");

    for (header, payload) in [
        (None, json!(null)),
        (None, json!({"x-api-key": "da2-wrong"})),
        (Some("da2-wrong"), json!({})),
        (Some(KEY), json!({"x-api-key": "da2-wrong"})),
    ] {
        let mut headers = OFFERED.to_vec();
        headers.extend(header.map(|key| ("x-api-key", key)));
        let mut socket = Socket::upgrade(server.address, "/graphql", &headers).await.unwrap();
        socket.send(json!({"type": "connection_init", "payload": payload})).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4403, "{reason}");
        assert!(reason.contains("x-api-key"), "{reason}");
    }
}

#[tokio::test]
async fn broken_rules_have_the_codes_of_the_protocol() {
    let server = TestServer::start().await;
    let request = json!({"query": "{ __typename }"});
    for (messages, code) in [
        (vec![json!({"id": "1", "type": "subscribe", "payload": request})], 4401),
        (vec![json!({"type": "ka"})], 4400),
        (vec![json!("text")], 4400),
        (vec![json!({"type": "connection_init", "payload": "text"})], 4400),
    ] {
        let mut socket = open(&server).await;
        for message in messages {
            socket.send(message).await;
        }
        assert_eq!(socket.closed().await.0, code);
    }
    let live =
        json!({"query": "subscription { onMessageInGroup(groupId: \"g\", domain: \"d\") { groupId } }"});
    for (messages, code) in [
        (vec![json!({"type": "connection_init", "payload": {"x-api-key": KEY}})], 4429),
        (vec![json!({"id": "1", "type": "subscribe", "payload": live}); 2], 4409),
        (vec![json!({"id": "", "type": "subscribe", "payload": request})], 4400),
        (vec![json!({"id": "x".repeat(257), "type": "subscribe", "payload": request})], 4400),
        (vec![json!({"id": "1", "type": "subscribe", "payload": {}})], 4400),
        (vec![json!({"id": "1", "type": "subscribe"})], 4400),
        (vec![json!({"id": "1", "type": "start", "payload": request})], 4400),
    ] {
        let mut socket = acknowledged(&server).await;
        for message in &messages {
            socket.send(message.clone()).await;
        }
        let (given, reason) = socket.closed().await;
        assert_eq!(given, code, "{messages:?}: {reason}");
    }
    let mut socket = acknowledged(&server).await;
    socket.send_text("not JSON").await;
    assert_eq!(socket.closed().await.0, 4400);
}

#[tokio::test]
async fn little_is_done_before_a_right_key() {
    let server = TestServer::start().await;
    let mut socket = open(&server).await;
    socket.send(json!({"type": "ping", "payload": "x".repeat(17 << 10)})).await;
    assert_eq!(socket.closed().await.0, 1009);
    let mut socket = open(&server).await;
    for _ in 0..16 {
        heard_nothing(&mut socket).await;
    }
    socket.send(json!({"type": "ping"})).await;
    assert_eq!(socket.closed().await.0, 1008);
    let mut socket = acknowledged(&server).await;
    for _ in 0..20 {
        heard_nothing(&mut socket).await;
    }
    let payload = json!({"x": "y".repeat(200 << 10)});
    socket.send(json!({"type": "ping", "payload": payload})).await;
    assert_eq!(socket.next().await, json!({"type": "pong", "payload": payload}));
}

#[tokio::test]
async fn calls_over_a_socket_are_limited_as_those_over_http() {
    let floods = Some(Flood { calls: 10, bytes: 1 << 20, ..Flood::default() });
    let rates = RateLimits { by_address: None, floods };
    let server = TestServer::start_with(Options { rates, ..Options::default() }).await;
    let group = server.create("h").await;
    let mut refused = 0;
    // Each connection stays below its own limit; all together pass the group's.
    for _ in 0..5 {
        let mut socket = acknowledged(&server).await;
        for number in 0..5 {
            subscribe(
                &mut socket,
                &number.to_string(),
                FIRE,
                json!({"g": group, "n": "h", "events": [event("e")]}),
            )
            .await;
            let answer = socket.next().await;
            if answer["type"] == "error" {
                assert_eq!(answer["payload"][0]["errorType"], "LimitExceededError", "{answer}");
                refused += 1;
            } else {
                assert_eq!(socket.next().await["type"], "complete");
            }
        }
    }
    assert!((1..=5).contains(&refused), "{refused} of 25, 20 come at once");
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_here_too() {
    let server = TestServer::start_with(Options {
        origins: mesh_server::http::Origins::Listed(vec!["https://school.example".parse().unwrap()]),
        ..Options::default()
    })
    .await;
    let of = |origin| [OFFERED[0], ("origin", origin)];
    assert!(Socket::upgrade(server.address, "/graphql", &of("https://evil.example")).await.is_err());
    assert!(Socket::upgrade(server.address, "/graphql", &of("https://school.example")).await.is_ok());
}
