//! Input of those who mean no good. The server answers as it should and goes on.

use serde_json::json;

use crate::support::{FIRE, JOIN, REPORT, Socket, TestServer, event};

async fn still_works(server: &TestServer) {
    let group = server.create("still works").await;
    let mut socket = server.subscribed(&group).await;
    server.data(FIRE, json!({"g": group, "n": "still works", "events": [event("e")]})).await;
    socket.data("1").await;
}

#[tokio::test]
async fn deep_and_wide_requests() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(150_000), close.repeat(150_000));
    for body in [
        "[".repeat(1_000_000),
        nested("[", "]"),
        nested("{\"a\":", "}"),
        format!(r#"{{"query":"{{a}}","variables":{}}}"#, nested("[", "]")),
    ] {
        assert_eq!(client.post(body.as_bytes()).await.status, 400);
    }
    let aliases: String =
        (0..100_000).map(|number| format!("a{number}:__typename,")).collect::<Vec<_>>().concat();
    for query in [
        nested("{a", "}"),
        format!("{{ listGroupsByDomain(domain: {}) {{ id }} }}", nested("[", "]")),
        format!("query ($a: {}) {{ __typename }}", nested("[", "]")),
        format!("{{ {} }}", &aliases[..900_000]),
        "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
        "query { ...A } fragment A on Query { ...A }".to_owned(),
        format!("{{ __typename {} }}", "@skip(if: false)".repeat(20_000)),
        "#".repeat(1_000_000),
        "\u{0}".repeat(1_000),
        "\"\"\"".repeat(100_000),
    ] {
        let answer = client.ask(&query, json!({})).await;
        assert_eq!(answer["errors"][0]["errorType"], "ValidationError", "{}", &query[..query.len().min(60)]);
        assert!(answer.to_string().len() < 100_000, "a short answer");
    }
    still_works(&server).await;
}

#[tokio::test]
async fn garbage_on_sockets() {
    let server = TestServer::start().await;
    for bytes in [
        &b"\x00\x00\x00\x00"[..],
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\xfe\x00\x01\x01\x02\x03\x04x",
        b"\x89\xfe\x01\x00\x01\x02\x03\x04",
        b"\x88\x81\x01\x02\x03\x04x",
        b"\x81\x81\x01\x02\x03\x04\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut socket = server.socket().await;
        socket.raw(bytes).await;
        // Some of it is the beginning of a frame; the end of the stream ends that.
        drop(socket);
    }
    let mut socket = server.socket().await;
    for _ in 0..2 {
        socket.send_text(&"[".repeat(200_000)).await;
        assert_eq!(socket.next().await["type"], "error");
    }
    still_works(&server).await;
}

#[tokio::test]
async fn garbage_instead_of_http() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = TestServer::start().await;
    for bytes in
        [&b"\x16\x03\x01\x02\x00"[..], b"\r\n\r\n\r\n", b"POST /graphql HTTP/9.9\r\n\r\n", &[0xff; 5_000]]
    {
        let mut socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // Whatever it answers, it ends the connection.
        let _ = socket.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
    }
    still_works(&server).await;
}

#[tokio::test]
async fn ids_that_look_like_something_else() {
    let server = TestServer::start().await;
    let ids = [
        "#",
        "@",
        "a#b",
        "N#a",
        "a@d",
        "..",
        "'; --",
        "{}",
        "%00",
        "\u{200f}a",
        "🦀",
        "\u{fffd}",
        "__proto__",
    ];
    let victim = server.create("victim").await;
    server
        .data(REPORT, json!({"g": victim, "n": "victim", "data": [{"key": "k", "value": "untouched"}]}))
        .await;
    let mut listening = server.subscribed(&victim).await;
    for id in ids {
        let group = server.create(id).await;
        server.data(JOIN, json!({"g": group, "n": id})).await;
        server.data(REPORT, json!({"g": group, "n": id, "data": [{"key": id, "value": id}]})).await;
        let mut socket = server.subscribed(&group).await;
        server.data(FIRE, json!({"g": group, "n": id, "events": [event(id)]})).await;
        assert_eq!(socket.data("1").await["batchEvent"]["events"][0]["name"], id);
        // With the victim's id pasted to it, it names nothing.
        for look_alike in [format!("{victim}#{id}"), format!("{victim}@d#{id}")] {
            let answer = server.ask(JOIN, json!({"g": look_alike, "n": id})).await;
            assert_eq!(answer["errors"][0]["errorType"], "GroupNotFound");
        }
    }
    listening.heard_nothing().await;
    let status =
        server.data(r#"{ getNodeStatus(nodeId: "victim") { data { key value } } }"#, json!({})).await;
    assert_eq!(status["getNodeStatus"]["data"], json!([{"key": "k", "value": "untouched"}]));
    for control in ["\u{0}", "a\nb", "\u{7f}", "\u{9f}"] {
        let answer = server.ask(JOIN, json!({"g": victim, "n": control})).await;
        assert_eq!(answer["errors"][0]["errorType"], "ValidationError");
    }
}

#[tokio::test]
async fn a_large_answer_is_bounded_by_its_aliases() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut large = event("e");
    large["payload"] = json!("x".repeat(200_000));
    server.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;
    let payloads: Vec<_> = (0..51).map(|number| format!("a{number}: payload")).collect();
    let query = format!(
        r#"{{ getEventsSince(groupId: "{group}", domain: "d", since: "") {{ {} }} }}"#,
        payloads.join(" ")
    );
    let answer = server.ask(&query, json!({})).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("TooManyAliases"), "{answer}");
}

#[tokio::test]
async fn a_socket_that_asks_without_reading_waits_alone() {
    let server = TestServer::start().await;
    let mut greedy = Socket::open(server.address, crate::support::KEY).await;
    greedy.init().await;
    let group = server.create("h").await;
    greedy.subscribe("1", &group, "d").await;
    // It never reads; the group goes on for everybody else.
    let mut fair = server.subscribed(&group).await;
    let mut client = server.client().await;
    let mut large = event("e");
    large["payload"] = json!("x".repeat(200_000));
    for _ in 0..100 {
        client.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;
        fair.data("1").await;
    }
    let metrics = client.send(hyper::Method::GET, "/metrics", &[], b"").await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(text.contains("mesh_connections_too_slow_total 1\n"), "{text}");
}
