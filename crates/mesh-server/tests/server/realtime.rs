//! The realtime protocol, message by message.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{DISSOLVE, EVERYTHING, FIRE, KEY, OTHER_KEY, RECORD, REPORT, Socket, TestServer, event};

const SUBSCRIPTION: &str =
    "subscription ($g: ID!, $d: String!) { onMessageInGroup(groupId: $g, domain: $d) { groupId } }";

fn refused(message: &Value, id: &str) -> String {
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message}");
    message["payload"]["errors"][0]["errorType"].as_str().unwrap().to_owned()
}

fn subscription(group: &str) -> Value {
    json!({"query": SUBSCRIPTION, "variables": {"g": group, "d": "d"}})
}

#[tokio::test]
async fn both_paths_and_every_form_of_credentials() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let header = |key: &str| {
        json!({"host": "anything", "x-amz-date": "20261123T090000Z", "x-api-key": key}).to_string()
    };
    for path in ["/graphql/realtime", "/graphql"] {
        for key in [KEY, OTHER_KEY] {
            let query = format!("{path}?header={}&payload=e30=", STANDARD.encode(header(key)));
            let protocol = format!("graphql-ws, header-{}", URL_SAFE_NO_PAD.encode(header(key)));
            let in_query =
                Socket::upgrade(server.address, &query, &[("sec-websocket-protocol", "graphql-ws")]).await;
            let in_protocol =
                Socket::upgrade(server.address, path, &[("sec-websocket-protocol", &*protocol)]).await;
            for mut socket in [in_query.unwrap(), in_protocol.unwrap()] {
                assert_eq!(socket.response.headers()["sec-websocket-protocol"], "graphql-ws");
                assert_eq!(socket.response.headers()["connection"], "Upgrade");
                socket.init().await;
                socket.subscribe("1", &group, "d").await;
            }
        }
    }
}

#[tokio::test]
async fn a_probe_without_credentials_is_welcome() {
    let server = TestServer::start().await;
    let bare = Socket::upgrade(server.address, "/graphql/realtime", &[]).await.unwrap();
    assert!(bare.response.headers().get("sec-websocket-protocol").is_none());
    let offered = [("sec-websocket-protocol", "graphql-ws")];
    let mut probe = Socket::upgrade(server.address, "/graphql/realtime", &offered).await.unwrap();
    assert_eq!(probe.response.headers()["sec-websocket-protocol"], "graphql-ws");
    // It may go on: acknowledged, but every start must bring a key.
    probe.init().await;
    let group = server.create("h").await;
    probe.start("1", subscription(&group), None).await;
    assert_eq!(refused(&probe.next().await, "1"), "UnauthorizedException");
    probe.start("1", subscription(&group), Some(json!({"host": "h", "x-api-key": KEY}))).await;
    assert_eq!(probe.next().await["type"], "start_ack");
}

#[tokio::test]
async fn wrong_keys_in_each_place() {
    let server = TestServer::start().await;
    let wrong = STANDARD.encode(json!({"host": "h", "x-api-key": "da2-wrong"}).to_string());
    let paths = [format!("/graphql/realtime?header={wrong}"), "/graphql/realtime?header=%%%".into()];
    let protocols = [format!("graphql-ws, header-{}", wrong.replace('=', "")), "graphql-ws, header-".into()];
    let mut sockets = Vec::new();
    for path in paths {
        sockets.push(Socket::upgrade(server.address, &path, &[]).await.unwrap());
    }
    for protocol in protocols {
        let headers = [("sec-websocket-protocol", &*protocol)];
        sockets.push(Socket::upgrade(server.address, "/graphql/realtime", &headers).await.unwrap());
    }
    for mut socket in sockets {
        socket.send(json!({"type": "connection_init"})).await;
        assert_eq!(
            socket.next().await,
            json!({"type": "connection_error", "payload": {"errors": [{"errorType": "UnauthorizedException",
                "errorCode": 401, "message": "You are not authorized to make this call."}]}})
        );
        assert_eq!(socket.closed().await.0, 1008);
    }
    let group = server.create("h").await;
    let mut socket = server.socket().await;
    socket.start("1", subscription(&group), Some(json!({"x-api-key": "da2-wrong"}))).await;
    assert_eq!(refused(&socket.next().await, "1"), "UnauthorizedException");
    // The socket stays.
    socket.start("1", subscription(&group), None).await;
    assert_eq!(socket.next().await["type"], "start_ack");
}

#[tokio::test]
async fn the_first_message_comes_first() {
    let server = TestServer::start().await;
    let mut socket = Socket::open(server.address, KEY).await;
    socket.start("1", subscription("g"), None).await;
    assert_eq!(socket.closed().await.0, 1008);
    let mut socket = Socket::open(server.address, KEY).await;
    socket.send(json!({"type": "connection_init"})).await;
    let ack = socket.frame().await.unwrap().into_text().unwrap();
    let keep_alive = socket.frame().await.unwrap().into_text().unwrap();
    assert_eq!(&*ack, r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}"#);
    assert_eq!(&*keep_alive, r#"{"type":"ka"}"#);
}

#[tokio::test]
async fn starts_that_are_refused() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.socket().await;
    let with = |query: &str| json!({"query": query});
    for request in [
        with("{ __typename }"),
        with("mutation { createDomain }"),
        with("subscription { nope }"),
        with("subscription {"),
        with(
            "subscription { onMessageInGroup(groupId: \"g\", domain: \"d\") { groupId } again: onMessageInGroup(groupId: \"g\", domain: \"d\") { groupId } }",
        ),
        json!({"query": SUBSCRIPTION, "variables": {"g": group}}),
        json!({"query": SUBSCRIPTION, "variables": {"g": "x".repeat(129), "d": "d"}}),
        json!({"query": SUBSCRIPTION, "variables": {"g": "g", "d": "x".repeat(257)}}),
        json!({"query": SUBSCRIPTION, "variables": {"g": "g\n", "d": "d"}}),
        json!({}),
        json!([]),
    ] {
        socket.start("1", request.clone(), None).await;
        assert_eq!(refused(&socket.next().await, "1"), "ValidationError", "{request}");
    }
    for payload in [json!(null), json!({}), json!({"data": "{"}), json!({"data": {"query": SUBSCRIPTION}})] {
        socket.send(json!({"id": "1", "type": "start", "payload": payload})).await;
        assert_eq!(refused(&socket.next().await, "1"), "ValidationError", "{payload}");
    }
    socket.subscribe("1", &group, "d").await;
    socket.start("1", subscription(&group), None).await;
    assert_eq!(refused(&socket.next().await, "1"), "DuplicatedOperationError");
    // The first one is still there.
    server.data(REPORT, json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]})).await;
    socket.data("1").await;
}

#[tokio::test]
async fn stops_and_unknown_messages() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.subscribed(&group).await;
    for id in ["1", "1", "never"] {
        socket.send(json!({"type": "stop", "id": id})).await;
        assert_eq!(socket.next().await, json!({"type": "complete", "id": id}));
    }
    server.data(REPORT, json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]})).await;
    socket.heard_nothing().await;
    socket.subscribe("1", &group, "d").await;
    for (text, named) in [
        (r#"{"type":"ping"}"#, "ping"),
        (r#"{"type":"start"}"#, "start"),
        ("{}", "unknown"),
        ("[1]", "unknown"),
        ("null", "unknown"),
        (r#"{"type":{}}"#, "unknown"),
    ] {
        socket.send_text(text).await;
        assert_eq!(
            socket.next().await,
            json!({"type": "error", "id": "", "payload": {"errors": [{"errorType": "UnsupportedOperation",
                "message": format!("{named} not supported through the realtime channel")}]}})
        );
    }
    for _ in 0..2 {
        socket.send_text("{").await;
        assert_eq!(refused(&socket.next().await, ""), "ValidationError");
    }
    socket.send_text("garbage").await;
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test]
async fn subscribers_get_exactly_their_selection() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.socket().await;
    let arguments = format!(r#"(groupId: "{group}", domain: "d")"#);
    // Anonymous, with literals, aliases, fragments and type names.
    let queries = [
        format!("subscription {{ onMessageInGroup{arguments} {{ {EVERYTHING} }} }}"),
        format!(
            "subscription {{ news: onMessageInGroup{arguments} {{ __typename a: nodeStatus {{ ...S }} nodeStatus {{ timestamp }} }} }} fragment S on NodeStatus {{ __typename data {{ __typename value }} }}"
        ),
        format!("subscription {{ onMessageInGroup{arguments} {{ batchEvent {{ events {{ name }} }} }} }}"),
    ];
    for (index, query) in queries.iter().enumerate() {
        socket.start(&index.to_string(), json!({"query": query}), None).await;
        assert_eq!(socket.next().await["type"], "start_ack");
    }
    let data = json!([{"key": "k", "value": "v"}]);
    server.data(REPORT, json!({"g": group, "n": "h", "data": data})).await;
    let at = "2026-11-23T09:00:00.000Z";
    let whole = json!({"groupId": group, "domain": "d", "batchEvent": null, "groupDissolve": null,
        "nodeStatus": {"nodeId": "h", "groupId": group, "domain": "d", "timestamp": at, "data": data}});
    let expected = [
        json!({"onMessageInGroup": whole}),
        json!({"news": {"__typename": "MeshMessage", "a": {"__typename": "NodeStatus",
            "data": [{"__typename": "SensorData", "value": "v"}]}, "nodeStatus": {"timestamp": at}}}),
        json!({"onMessageInGroup": {"batchEvent": null}}),
    ];
    let mut received = Vec::new();
    for _ in 0..3 {
        received.push(socket.next().await);
    }
    received.sort_by_key(|message| message["id"].to_string());
    for (message, expected) in received.iter().zip(expected) {
        assert_eq!(message["payload"]["data"], expected);
    }
}

#[tokio::test]
async fn what_the_mutation_did_not_select_is_null() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.subscribed(&group).await;
    let report = |selection: &str| {
        format!(
            r#"mutation {{ x: reportStatus(groupId: "{group}", domain: "d", nodeId: "h", data: [{{key: "k", value: "v"}}]) {{ {selection} }} }}"#
        )
    };
    let absent =
        |message: &Value| message["batchEvent"] == Value::Null && message["groupDissolve"] == Value::Null;
    server.data(&report("g: groupId domain"), json!({})).await;
    let message = socket.data("1").await;
    assert!(
        absent(&message) && message["nodeStatus"] == Value::Null && message["groupId"] == json!(group),
        "{message}"
    );
    server.data(&report("groupId domain s: nodeStatus { data { k: key } nodeId }"), json!({})).await;
    let message = socket.data("1").await;
    assert_eq!(
        message["nodeStatus"],
        json!({"nodeId": "h", "groupId": null, "domain": null, "data": [{"key": "k", "value": null}], "timestamp": null})
    );
    // Without group and domain there is nothing to compare with: nobody gets it.
    for selection in ["groupId nodeStatus { nodeId }", "domain", "nodeStatus { groupId domain }"] {
        server.data(&report(selection), json!({})).await;
    }
    socket.heard_nothing().await;
}

#[tokio::test]
async fn every_kind_of_message_and_its_echo() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.subscribed(&group).await;
    let fired = server.data(FIRE, json!({"g": group, "n": "h", "events": [event("a"), event("b")]})).await;
    let message = socket.data("1").await;
    assert_eq!(message["batchEvent"], fired["fireEventsByNode"]["batchEvent"]);
    assert!(message["batchEvent"]["events"][1]["cursor"].is_string());
    // A recorded call is shaped by nobody's selection: it carries every field.
    let record = r#"mutation ($g: ID!) { recordEventsByNode(groupId: $g, domain: "d", nodeId: "h",
        events: [{eventName: "c", firedAt: "2026-11-23T09:00Z"}]) { recordedCount } }"#;
    for _ in 0..2 {
        server.data(record, json!({"g": group})).await;
    }
    let message = socket.data("1").await;
    let event = &message["batchEvent"]["events"][0];
    assert_eq!(
        (&event["name"], &event["groupId"], &message["domain"]),
        (&json!("c"), &json!(group), &json!("d"))
    );
    assert!(event["cursor"].is_string() && message["nodeStatus"].is_null());
    socket.heard_nothing().await;
    server.data(DISSOLVE, json!({"g": group, "h": "h"})).await;
    let message = socket.data("1").await;
    assert_eq!(
        (&message["groupDissolve"]["groupId"], &message["groupDissolve"]["domain"]),
        (&json!(group), &json!("d"))
    );
    assert!(message["groupDissolve"]["message"].as_str().unwrap().contains("dissolved"));
    // The socket outlives the group.
    socket.heard_nothing().await;
}

#[tokio::test]
async fn only_the_own_group_is_heard() {
    let server = TestServer::start().await;
    let (one, two) = (server.create("h1").await, server.create("h2").await);
    let mut of_one = server.subscribed(&one).await;
    let mut of_two = server.subscribed(&two).await;
    // Unknown groups may be listened to, and look-alikes are others.
    for (number, (group, domain)) in
        [(&*one, "D"), (&*one, "d "), ("unknown", "d"), (&*format!("{one}@d"), "d")].iter().enumerate()
    {
        of_two.subscribe(&format!("x{number}"), group, domain).await;
    }
    server.data(FIRE, json!({"g": one, "n": "h1", "events": [event("e")]})).await;
    of_one.data("1").await;
    of_two.heard_nothing().await;
}

#[tokio::test]
async fn a_group_that_comes_later_is_heard() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    let group = server.create("h").await;
    server.data(DISSOLVE, json!({"g": group, "h": "h"})).await;
    socket.subscribe("1", &group, "d").await;
    socket.heard_nothing().await;
}

#[tokio::test]
async fn one_socket_carries_a_hundred_subscriptions() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.socket().await;
    for number in 0..100 {
        socket.subscribe(&number.to_string(), &group, "d").await;
    }
    socket.start("more", subscription(&group), None).await;
    assert_eq!(refused(&socket.next().await, "more"), "MaxSubscriptionsReachedError");
    server.data(REPORT, json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]})).await;
    let mut heard: Vec<String> = Vec::new();
    for _ in 0..100 {
        heard.push(socket.next().await["id"].as_str().unwrap().to_owned());
    }
    heard.sort_by_key(|id| id.parse::<usize>().unwrap());
    assert_eq!(heard, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    socket.send(json!({"type": "stop", "id": "7"})).await;
    assert_eq!(socket.next().await["type"], "complete");
    socket.start("more", subscription(&group), None).await;
    assert_eq!(socket.next().await["type"], "start_ack");
}

#[tokio::test]
async fn both_protocols_are_one_bridge() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    server.join(&group, "poller").await;
    let mut socket = server.subscribed(&group).await;
    let recorded =
        server.data(RECORD, json!({"g": group, "n": "poller", "events": [event("recorded")]})).await;
    let message = socket.data("1").await;
    assert_eq!(message["batchEvent"]["firedByNodeId"], "poller");
    server.data(FIRE, json!({"g": group, "n": "h", "events": [event("fired")]})).await;
    server.data(REPORT, json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]})).await;
    let since = &recorded["recordEventsByNode"]["nextSince"];
    let polled =
        server.data(crate::support::POLL, json!({"g": group, "since": since})).await["pollGroupData"].take();
    let names: Vec<_> = polled["events"].as_array().unwrap().iter().map(|event| &event["name"]).collect();
    assert_eq!(names, ["recorded", "fired"]);
    assert_eq!(polled["nodeStatuses"][0]["data"], json!([{"key": "k", "value": "v"}]));
}

#[tokio::test]
async fn texts_of_every_kind_arrive_whole() {
    let server = TestServer::start().await;
    let group = server.create("ホスト\"#@").await;
    let mut socket = server.subscribed(&group).await;
    let value = "改\u{2028}行\"\\/\u{0}\u{1f}é🦀👩‍👩‍👧";
    server
        .data(REPORT, json!({"g": group, "n": "ホスト\"#@", "data": [{"key": value, "value": value}]}))
        .await;
    let message = socket.data("1").await;
    assert_eq!(message["nodeStatus"]["data"], json!([{"key": value, "value": value}]));
    assert_eq!(message["nodeStatus"]["nodeId"], "ホスト\"#@");
    // Half a character becomes the replacement character, in requests and in starts.
    let body = json!({"query": REPORT, "variables": {"g": group, "n": "ホスト\"#@", "data": [{"key": "HALF", "value": "v"}]}})
        .to_string()
        .replace("HALF", r"\ud83d");
    assert_eq!(server.client().await.post(body.as_bytes()).await.json().get("errors"), None);
    assert_eq!(socket.data("1").await["nodeStatus"]["data"][0]["key"], "\u{fffd}");
    let request = json!({"query": SUBSCRIPTION, "variables": {"g": "HALF", "d": "d"}})
        .to_string()
        .replace("HALF", r"\ud83d");
    socket.send(json!({"id": "half", "type": "start", "payload": {"data": request}})).await;
    assert_eq!(socket.next().await, json!({"id": "half", "type": "start_ack"}));
}

#[tokio::test]
async fn a_client_may_close_or_just_go() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut closes = server.subscribed(&group).await;
    closes.close().await;
    assert!(matches!(closes.frame().await, Some(Message::Close(_)) | None));
    drop(server.subscribed(&group).await);
    let mut stays = server.subscribed(&group).await;
    server.data(REPORT, json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]})).await;
    stays.data("1").await;
    let metrics = loop {
        let response = server.client().await.send(hyper::Method::GET, "/metrics", &[], b"").await;
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        if text.contains("mesh_connections 1\n") {
            break text;
        }
    };
    assert!(metrics.contains("mesh_subscriptions 1\n"), "{metrics}");
}
