//! Every limit of a request, at it and one past it.

use hyper::{Method, StatusCode};
use mesh_server::http::Origins;
use mesh_server::limits::connections::ConnectionLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    CREATE, EVERYTHING, FIRE, JOIN, KEY, Options, POLL, RECORD, REPORT, Socket, TestServer, event,
};

fn is_fine(answer: &Value) -> bool {
    answer.get("errors").is_none()
}

fn is_refused(answer: &Value) -> bool {
    answer["errors"][0]["errorType"] == "ValidationError"
}

#[tokio::test]
async fn characters_and_counts() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let kanji = |count: usize| "漢".repeat(count);
    let data =
        |count: usize| (0..count).map(|key| json!({"key": key.to_string(), "value": ""})).collect::<Value>();
    let events = |count: usize| vec![json!({"eventName": "", "firedAt": "2026-11-23T09:00Z"}); count];
    let fire_little = FIRE.replace(
        "events { name payload timestamp orderKey cursor firedByNodeId groupId domain }",
        "timestamp",
    );
    for (query, fine, refused) in [
        (CREATE, json!({"hostId": kanji(128)}), json!({"hostId": kanji(129)})),
        (CREATE, json!({"hostId": "h", "name": kanji(256)}), json!({"hostId": "h", "name": kanji(257)})),
        (JOIN, json!({"g": group, "n": kanji(128)}), json!({"g": group, "n": kanji(129)})),
        (
            REPORT,
            json!({"g": group, "n": "h", "data": data(250)}),
            json!({"g": group, "n": "h", "data": data(251)}),
        ),
        (
            REPORT,
            json!({"g": group, "n": "h", "data": [{"key": kanji(256), "value": ""}]}),
            json!({"g": group, "n": "h", "data": [{"key": kanji(257), "value": ""}]}),
        ),
        (
            &fire_little,
            json!({"g": group, "n": "h", "events": events(1_000)}),
            json!({"g": group, "n": "h", "events": events(1_001)}),
        ),
    ] {
        let answer = server.ask(query, fine).await;
        assert!(is_fine(&answer), "{answer}");
        let answer = server.ask(query, refused).await;
        assert!(is_refused(&answer), "{answer}");
    }
}

/// The size of a live message that selects all of the mutation's fields, as contract and AppSync
/// measure it: cursors count as 32 characters.
fn measured(answer: &Value, field: &str) -> usize {
    let mut message = answer["data"][field].clone();
    for event in message["batchEvent"]["events"].as_array_mut().into_iter().flatten() {
        if event.get("cursor").is_some() {
            event["cursor"] = json!("c".repeat(32));
        }
    }
    json!({"data": {"onMessageInGroup": message}}).to_string().len()
}

#[tokio::test]
async fn a_live_message_has_240_kilobytes() {
    const MOST: usize = 245_760;
    let server = TestServer::start().await;
    let group = server.create("ho\"st").await;
    let fire = format!(
        r#"mutation ($g: ID!, $events: [EventInput!]!) {{ fireEventsByNode(groupId: $g, domain: "d", nodeId: "ho\"st", events: $events) {{ __typename {EVERYTHING} }} }}"#
    );
    let with = |length: usize| {
        let mut events = vec![event("é\"\n"); 3];
        events[1]["payload"] = json!("x".repeat(length));
        events[2]["orderKey"] = json!("\u{1}漢");
        json!({"g": group, "events": events})
    };
    let around = measured(&server.ask(&fire, with(0)).await, "fireEventsByNode");
    let at_the_limit = server.ask(&fire, with(MOST - around)).await;
    assert!(is_fine(&at_the_limit));
    assert_eq!(measured(&at_the_limit, "fireEventsByNode"), MOST);
    let past = server.ask(&fire, with(MOST - around + 1)).await;
    assert!(is_refused(&past));
    let message = past["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("245760") && !message.contains("245761"), "{message}");

    // A recorded call is measured with every field, whatever it selects.
    let whole = measured(&server.ask(&fire.replace("__typename ", ""), with(0)).await, "fireEventsByNode");
    let record = RECORD.replace("$n", "\"ho\\\"st\"").replace("\"ho\\\"st\": ID!, ", "");
    assert!(is_fine(&server.ask(&record, with(MOST - whole)).await));
    assert!(is_refused(&server.ask(&record, with(MOST - whole + 1)).await));

    // What is not selected does not count.
    let little = r#"mutation ($g: ID!, $events: [EventInput!]!) { fireEventsByNode(groupId: $g, domain: "d", nodeId: "ho\"st", events: $events) { groupId domain batchEvent { events { name } } } }"#;
    assert!(is_fine(&server.ask(little, with(MOST)).await));
}

#[tokio::test]
async fn a_thousand_events_with_long_ids_are_too_many() {
    let server = TestServer::start().await;
    let host = "h".repeat(128);
    let group = server.create(&host).await;
    let events = vec![event("a name"); 1_000];
    assert!(is_refused(&server.ask(FIRE, json!({"g": group, "n": host, "events": events})).await));
    let group = server.create("h").await;
    assert!(is_fine(&server.ask(FIRE, json!({"g": group, "n": "h", "events": events})).await));
}

#[tokio::test]
async fn a_body_has_one_megabyte() {
    let server = TestServer::start().await;
    let body = |length: usize| {
        let empty = json!({"query": "{ __typename }", "x": ""}).to_string();
        json!({"query": "{ __typename }", "x": "x".repeat(length - empty.len())}).to_string()
    };
    let mut client = server.client().await;
    assert_eq!(client.post(body(1 << 20).as_bytes()).await.status, StatusCode::OK);
    let response = client.post(body((1 << 20) + 1).as_bytes()).await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(response.header("x-amzn-errortype"), Some("RequestTooLarge"));
    // The key is checked first.
    let mut client = server.client().await;
    let response = client.send(Method::POST, "/graphql", &[], body((1 << 20) + 1).as_bytes()).await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
}

/// A client that is cut off while it sends gets an error of the network and no answer, and repeats the
/// call for minutes.
#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = TestServer::start().await;
    let full = ConnectionLimits::total(0);
    let full = TestServer::start_with(Options { connections: full, ..Options::default() }).await;
    let listed = Origins::Listed(vec![]);
    let strict = TestServer::start_with(Options { origins: listed, ..Options::default() }).await;
    // More than a socket holds.
    let body = vec![b'x'; 12 << 20];
    for (server, key, status) in
        [(&server, KEY, "413"), (&server, "da2-wrong", "401"), (&full, KEY, "429"), (&strict, KEY, "403")]
    {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: a\r\norigin: http://b\r\nx-api-key: {key}\r\ncontent-length: {length}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body).await.unwrap_or_else(|error| panic!("{status}: {error}"));
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *format!("HTTP/1.1 {status}").as_bytes());
    }
}

#[tokio::test]
async fn a_message_of_a_socket_has_256_kilobytes() {
    let server = TestServer::start().await;
    let message = |length: usize| {
        let empty = json!({"type": "x", "x": ""}).to_string();
        json!({"type": "x", "x": "x".repeat(length - empty.len())}).to_string()
    };
    let mut socket = server.socket().await;
    socket.send_text(&message(256 << 10)).await;
    assert_eq!(socket.next().await["type"], "error");
    socket.send_text(&message((256 << 10) + 1)).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test]
async fn connections_are_limited() {
    let connections = ConnectionLimits::total(3);
    let server = TestServer::start_with(Options { connections, ..Options::default() }).await;
    let mut first = server.client().await;
    assert!(is_fine(&first.ask("{ __typename }", json!({})).await));
    let second = server.socket().await;
    let mut third = server.client().await;
    assert!(is_fine(&third.ask("{ __typename }", json!({})).await));
    let response = server.client().await.send(Method::POST, "/graphql", &[("x-api-key", KEY)], b"{}").await;
    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.header("x-amzn-errortype"), Some("LimitExceededError"));
    assert!(Socket::upgrade(server.address, "/graphql", &[]).await.is_err());
    drop((second, third));
    loop {
        let response =
            server.client().await.send(Method::POST, "/graphql", &[("x-api-key", KEY)], b"{}").await;
        if response.status == StatusCode::BAD_REQUEST {
            break;
        }
    }
}

#[tokio::test]
async fn groups_and_nodes_are_limited() {
    let server = TestServer::start().await;
    for number in 0..50 {
        server.create(&format!("h{number}")).await;
    }
    assert!(is_refused(&server.ask(CREATE, json!({"hostId": "one more"})).await));
    let group = server.create("h0").await;
    for number in 0..50 {
        assert!(is_fine(&server.join(&group, &format!("n{number}")).await));
    }
    assert!(is_refused(&server.join(&group, "one more").await));
}

#[tokio::test]
async fn an_answer_has_a_hundred_events() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let events: Vec<_> = (0..150).map(|number| event(&number.to_string())).collect();
    server.data(FIRE, json!({"g": group, "n": "h", "events": events})).await;
    let mut names = Vec::new();
    let mut since = json!("");
    for expected in [100, 50, 0] {
        let polled = server.data(POLL, json!({"g": group, "since": since})).await["pollGroupData"].take();
        let events = polled["events"].as_array().unwrap();
        assert_eq!(events.len(), expected);
        names.extend(events.iter().map(|event| event["name"].clone()));
        since = events.last().map_or(since, |event| event["cursor"].clone());
    }
    assert_eq!(names, (0..150).map(|number| json!(number.to_string())).collect::<Vec<_>>());
}
