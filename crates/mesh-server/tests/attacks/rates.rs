//! Floods: of calls, of groups, of garbage, by address, connection and group.

use hyper::{Method, StatusCode};
use mesh_server::limits::rates::{Flood, RateLimits};
use serde_json::json;

use crate::others;
use crate::support::{KEY, Options, REPORT, Socket, TestServer};

/// Limits of an address that nothing comes back of during a test.
fn by_address(factor: f64) -> Options {
    let rates = RateLimits { by_address: Some(factor), floods: None };
    Options { rates, trusted_proxies: 1, ..Options::default() }
}

async fn status(server: &TestServer, from: &str, key: &str, body: &str) -> (StatusCode, Option<u64>) {
    let headers = [("x-api-key", key), ("x-forwarded-for", from)];
    let answer = server.client().await.send(Method::POST, "/graphql", &headers, body.as_bytes()).await;
    let retry_after = answer.header("retry-after").map(|seconds| seconds.parse().unwrap());
    (answer.status, retry_after)
}

fn create(host: usize) -> String {
    let query = format!(r#"mutation {{ createGroup(name: "n", hostId: "h{host}", domain: "d") {{ id }} }}"#);
    json!({"query": query}).to_string()
}

#[tokio::test]
async fn one_client_cannot_fill_a_domain_with_groups() {
    // Two groups at once, then one in three minutes.
    let server = TestServer::start_with(by_address(0.01)).await;
    for host in 0..2 {
        assert_eq!(status(&server, "192.0.2.1", KEY, &create(host)).await.0, StatusCode::OK);
    }
    let (refused, retry_after) = status(&server, "192.0.2.1", KEY, &create(2)).await;
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=201).contains(&retry_after.unwrap()));
    assert_eq!(status(&server, "192.0.2.2", KEY, &create(3)).await.0, StatusCode::OK, "another client");
    assert_eq!(status(&server, "127.0.0.1", KEY, &create(4)).await.0, StatusCode::OK, "loopback");
}

#[tokio::test]
async fn one_client_cannot_join_or_upgrade_without_end() {
    // Fifty of each at once, then little. A join that is refused counts as well.
    let server = TestServer::start_with(by_address(0.01)).await;
    let join = |node: usize| {
        let query =
            format!(r#"mutation {{ joinGroup(groupId: "none", domain: "d", nodeId: "n{node}") {{ id }} }}"#);
        json!({"query": query}).to_string()
    };
    let mut joined = 0;
    loop {
        match status(&server, "192.0.2.1", KEY, &join(joined)).await {
            (StatusCode::OK, _) => joined += 1,
            // Too many calls of any kind: these come back at once.
            (_, Some(1)) => tokio::task::yield_now().await,
            _ => break,
        }
        assert!(joined <= 100, "no limit");
    }
    assert!(joined >= 50, "{joined}");
    assert_eq!(status(&server, "192.0.2.2", KEY, &join(0)).await.0, StatusCode::OK, "another client");
    let upgrade =
        async |from| Socket::upgrade(server.address, "/graphql", &[("x-forwarded-for", from)]).await;
    let mut open = Vec::new();
    while let Ok(socket) = upgrade("192.0.2.1").await {
        open.push(socket);
        assert!(open.len() <= 100, "no limit");
    }
    assert!(open.len() >= 50, "{}", open.len());
    assert!(upgrade("192.0.2.2").await.is_ok(), "another client");
}

#[tokio::test]
async fn wrong_keys_and_garbage_have_a_limit() {
    let server = TestServer::start_with(by_address(0.01)).await;
    let garbage = [(KEY, "no json"), ("da2-wrong", "{}"), (KEY, r#"{"query":"{ nothing }"}"#)];
    let mut codes = Vec::new();
    for (key, body) in garbage {
        codes.push(status(&server, "192.0.2.1", key, body).await.0.as_u16());
    }
    assert_eq!(codes, [400, 401, 429]);
    let fine = r#"{"query":"{ __typename }"}"#;
    assert_eq!(status(&server, "192.0.2.1", KEY, fine).await.0, StatusCode::OK, "what is right is served");
    assert_eq!(status(&server, "192.0.2.2", KEY, "no json").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_proxy_that_does_not_name_the_caller_is_told_so() {
    let server = TestServer::start_with(Options { trusted_proxies: 1, ..Options::default() }).await;
    let odd = ["", " ", ",", "nobody", "999.1.1.1", "192.0.2.1, _hidden", "192.0.2.1,"].map(Some);
    for value in odd.into_iter().chain([None]) {
        let forwarded = value.map(|value| ("x-forwarded-for", value));
        let headers: Vec<_> = [("x-api-key", KEY)].into_iter().chain(forwarded).collect();
        let body = br#"{"query":"mutation { createDomain }"}"#;
        let answer = server.client().await.send(Method::POST, "/graphql", &headers, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{value:?}");
        assert_eq!(answer.header("x-amzn-errortype"), Some("BadRequestException"));
        assert!(Socket::upgrade(server.address, "/graphql", &headers).await.is_err(), "{value:?}");
    }
}

#[tokio::test]
async fn a_connection_cannot_flood() {
    let floods = Some(Flood { calls: 5, bytes: 1 << 20, ..Flood::default() });
    let rates = RateLimits { by_address: None, floods };
    let server = TestServer::start_with(Options { rates, ..Options::default() }).await;
    let mut client = server.client().await;
    let mut codes = Vec::new();
    for _ in 0..40 {
        codes.push(client.post(br#"{"query":"{ __typename }"}"#).await.status.as_u16());
    }
    assert_eq!(codes[..10], [200; 10]);
    assert!(codes.contains(&429), "{codes:?}");
    let mut socket = server.socket().await;
    for number in 0..40 {
        socket.send_text(&json!({"type": "stop", "id": number.to_string()}).to_string()).await;
    }
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 1013);
    assert!(reason.contains("too many"), "{reason}");
    others::feel_nothing(&server).await;
}

#[tokio::test]
async fn a_group_cannot_be_flooded_by_many_connections() {
    let floods = Some(Flood { calls: 5, bytes: 1 << 20, ..Flood::default() });
    let rates = RateLimits { by_address: None, floods };
    let server = TestServer::start_with(Options { rates, ..Options::default() }).await;
    let group = server.create("h").await;
    let query = format!(r#"{{ listNodesInGroup(groupId: "{group}", domain: "d") {{ id }} }}"#);
    let body = json!({"query": query}).to_string();
    let mut codes = Vec::new();
    for _ in 0..40 {
        codes.push(server.client().await.post(body.as_bytes()).await.status.as_u16());
    }
    assert!(codes.contains(&429), "{codes:?}");
    others::feel_nothing(&server).await;
}

/// A large answer to a small question: the schema.
const SCHEMA: &str = r#"{"query":"{ __schema { types { name description fields { name description } } } }"}"#;

#[tokio::test]
async fn one_address_cannot_read_without_end() {
    // Some kilobytes at once, then little.
    let server = TestServer::start_with(by_address(0.000_1)).await;
    let ask = async |from| status(&server, from, KEY, SCHEMA).await;
    let mut answered = 0;
    let retry_after = loop {
        match ask("192.0.2.1").await {
            (StatusCode::OK, _) => answered += 1,
            (code, retry_after) => {
                assert_eq!(code, StatusCode::TOO_MANY_REQUESTS);
                break retry_after;
            }
        }
        assert!(answered < 10, "no limit");
    };
    assert!(answered >= 1, "who had nothing is answered, however much that is");
    assert!(retry_after.unwrap() > 1, "what it had comes back slowly: {retry_after:?}");
    assert_eq!(ask("192.0.2.2").await.0, StatusCode::OK, "another client");
    assert!(ask("127.0.0.1").await.0 == StatusCode::OK && ask("127.0.0.1").await.0 == StatusCode::OK);
}

/// Limits of a connection and a group that let some kilobytes of answers pass, and little more during a test.
fn few_answers() -> Options {
    let floods = Some(Flood { answers: 1_000, ..Flood::default() });
    Options { rates: RateLimits { by_address: None, floods }, ..Options::default() }
}

#[tokio::test]
async fn one_connection_cannot_read_without_end() {
    let server = TestServer::start_with(few_answers()).await;
    let mut client = server.client().await;
    assert_eq!(client.post(SCHEMA.as_bytes()).await.status, StatusCode::OK);
    let refused = client.post(SCHEMA.as_bytes()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.json()["errors"][0]["errorType"], "LimitExceededError");
    assert_eq!(server.client().await.post(SCHEMA.as_bytes()).await.status, StatusCode::OK, "another one");

    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("x-api-key", KEY)];
    let mut socket = Socket::upgrade(server.address, "/graphql", &headers).await.unwrap();
    socket.send(json!({"type": "connection_init"})).await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    let payload: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    for id in ["1", "2"] {
        socket.send(json!({"id": id, "type": "subscribe", "payload": payload})).await;
    }
    assert_eq!(socket.next().await["type"], "next");
    assert_eq!(socket.next().await["type"], "complete");
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 1013);
    assert!(reason.contains("too many"), "{reason}");
}

#[tokio::test]
async fn one_group_cannot_be_read_without_end() {
    let server = TestServer::start_with(few_answers()).await;
    let (group, other) = (server.create("h").await, server.create("other").await);
    let read = async |group: &str| {
        let fields: Vec<_> = (0..50)
            .map(|number| {
                format!(r#"f{number}: listGroupStatuses(groupId: "{group}", domain: "d") {{ nodeId }}"#)
            })
            .collect();
        let body = json!({"query": format!("{{ {} }}", fields.join(" "))}).to_string();
        server.client().await.post(body.as_bytes()).await.status
    };
    let report = json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]});
    server.data(REPORT, report).await;
    // Each from a connection of its own.
    assert_eq!(read(&group).await, StatusCode::OK);
    assert_eq!(read(&group).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(read(&other).await, StatusCode::OK);
    others::feel_nothing(&server).await;
}

#[tokio::test]
async fn long_documents_count_as_work() {
    // 5,000 tokens and the spaces between them are more than the few that pass at once.
    let server = TestServer::start_with(few_answers()).await;
    let long = json!({"query": format!("{{ {} }}", "__typename ".repeat(5_000))}).to_string();
    let short = br#"{"query":"{ __typename }"}"#;
    let mut client = server.client().await;
    assert_eq!(client.post(long.as_bytes()).await.status, StatusCode::OK);
    assert_eq!(client.post(short).await.status, StatusCode::TOO_MANY_REQUESTS);
    let mut other = server.client().await;
    assert!([other.post(short).await.status, other.post(short).await.status] == [StatusCode::OK; 2]);
    // So does one that is refused.
    let wrong = json!({"query": format!("{{ {} }}", "nothing ".repeat(5_000))}).to_string();
    let mut client = server.client().await;
    assert_eq!(client.post(wrong.as_bytes()).await.status, StatusCode::OK);
    assert_eq!(client.post(short).await.status, StatusCode::TOO_MANY_REQUESTS);
}

/// How many of up to 1,000 requests with this body pass, one after the other, from one address.
async fn passing(server: &TestServer, body: &str) -> usize {
    for passed in 0..1_000 {
        if status(server, "192.0.2.1", KEY, body).await.0 == StatusCode::TOO_MANY_REQUESTS {
            return passed;
        }
    }
    1_000
}

#[tokio::test]
async fn one_address_cannot_call_or_send_without_end() {
    // Forty calls and 400 KB at once, then half as much a second.
    for (spaces, least, most) in [(0, 40, 1_000), (50 << 10, 4, 40)] {
        let server = TestServer::start_with(by_address(0.01)).await;
        let query = format!("{{ __typename }}{}", " ".repeat(spaces));
        let body = json!({"query": query}).to_string();
        let passed = passing(&server, &body).await;
        assert!((least..most).contains(&passed), "{spaces}: {passed}");
        assert_eq!(status(&server, "192.0.2.2", KEY, &body).await.0, StatusCode::OK, "another client");
    }
}

#[tokio::test]
async fn garbage_on_sockets_has_the_limit_of_garbage() {
    // Two pieces at once from one address, whichever sockets they come over.
    let server = TestServer::start_with(by_address(0.01)).await;
    let garbage = async |from: &str| {
        let headers = [("x-forwarded-for", from)];
        let mut socket = Socket::upgrade(server.address, "/graphql", &headers).await.unwrap();
        socket.init().await;
        socket.send(json!({"type": "nothing"})).await;
        socket
    };
    for _ in 0..2 {
        assert_eq!(garbage("192.0.2.1").await.next().await["type"], "error");
    }
    let (code, reason) = garbage("192.0.2.1").await.closed().await;
    assert_eq!(code, 1013, "{reason}");
    assert_eq!(garbage("192.0.2.2").await.next().await["type"], "error", "another client");
}
