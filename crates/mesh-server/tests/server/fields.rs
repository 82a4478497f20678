//! Every field of what the API answers, from every operation that answers it.

use serde_json::{Value, json};

use crate::support::{EVERYTHING, FIRE, POLL, RECORD, REPORT, TestServer, event};

const GROUP: &str = "__typename id domain fullId name hostId createdAt expiresAt heartbeatIntervalSeconds useWebSocket pollingIntervalSeconds";
const NODE: &str = "__typename id name groupId domain createdAt expiresAt heartbeatIntervalSeconds useWebSocket pollingIntervalSeconds";

fn create(name: &str, use_web_socket: &str) -> String {
    format!(
        r#"mutation {{ createGroup(name: "{name}", hostId: "host {name}", domain: "d", maxConnectionTimeSeconds: 600{use_web_socket}) {{ {GROUP} }} }}"#
    )
}

#[tokio::test]
async fn groups_from_everywhere() {
    let server = TestServer::start().await;
    for (name, argument, use_web_socket) in [
        ("default", "", true),
        ("nothing", ", useWebSocket: null", true),
        ("sockets", ", useWebSocket: true", true),
        ("polling", ", useWebSocket: false", false),
    ] {
        let group = server.data(&create(name, argument), json!({})).await["createGroup"].take();
        let id = group["id"].as_str().unwrap();
        let interval = if use_web_socket { Value::Null } else { json!(2) };
        let expected = json!({
            "__typename": "Group", "id": id, "domain": "d", "fullId": format!("{id}@d"), "name": name,
            "hostId": format!("host {name}"), "createdAt": "2026-11-23T09:00:00.000Z",
            "expiresAt": "2026-11-23T09:10:00.000Z", "heartbeatIntervalSeconds": 60,
            "useWebSocket": use_web_socket, "pollingIntervalSeconds": interval,
        });
        assert_eq!(group, expected);
        let listed =
            server.data(&format!(r#"{{ listGroupsByDomain(domain: "d") {{ {GROUP} }} }}"#), json!({})).await;
        assert_eq!(listed["listGroupsByDomain"].as_array().unwrap().last(), Some(&expected));
        let search = format!(r#"{{ searchGroupsByNamePrefix(namePrefix: "{}") {{ {GROUP} }} }}"#, &name[..6]);
        assert_eq!(server.data(&search, json!({})).await["searchGroupsByNamePrefix"], json!([expected]));
    }
}

#[tokio::test]
async fn nodes_from_everywhere() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let join = format!(
        r"mutation ($g: ID!, $n: ID!, $ws: Boolean) {{ joinGroup(groupId: $g, domain: $d, nodeId: $n, useWebSocket: $ws) {{ {NODE} }} }}"
    )
    .replace("$d", "\"d\"");
    let list = format!(r#"query ($g: ID!) {{ listNodesInGroup(groupId: $g, domain: "d") {{ {NODE} }} }}"#);
    let mut expected = Vec::new();
    for (id, wish, use_web_socket) in
        [("a", Value::Null, true), ("b", json!(true), true), ("c", json!(false), false)]
    {
        let node = server.data(&join, json!({"g": group, "n": id, "ws": wish})).await["joinGroup"].take();
        let interval = if use_web_socket { Value::Null } else { json!(2) };
        expected.push(json!({
            "__typename": "Node", "id": id, "name": format!("Node {id}"), "groupId": group, "domain": "d",
            "createdAt": "2026-11-23T09:00:00.000Z", "expiresAt": "2026-11-23T09:35:00.000Z",
            "heartbeatIntervalSeconds": 120, "useWebSocket": use_web_socket, "pollingIntervalSeconds": interval,
        }));
        assert_eq!(Some(&node), expected.last());
        assert_eq!(server.data(&list, json!({"g": group})).await["listNodesInGroup"], json!(expected));
    }
}

#[tokio::test]
async fn messages_and_statuses() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    server.join(&group, "n").await;
    let data = json!([{"key": "y", "value": "2"}, {"key": "x", "value": "1"}]);
    let answer = server.data(REPORT, json!({"g": group, "n": "n", "data": data})).await;
    let at = "2026-11-23T09:00:00.000Z";
    let status = json!({"nodeId": "n", "groupId": group, "domain": "d", "data": data, "timestamp": at});
    assert_eq!(
        answer["reportDataByNode"],
        json!({"groupId": group, "domain": "d", "nodeStatus": status, "batchEvent": null, "groupDissolve": null})
    );
    let by_other_name = format!(
        r#"mutation ($g: ID!) {{ reportStatus(groupId: $g, domain: "d", nodeId: "n", data: [{{key: "z", value: ""}}]) {{ {EVERYTHING} }} }}"#
    );
    let message = server.data(&by_other_name, json!({"g": group})).await["reportStatus"].take();
    assert_eq!(message["nodeStatus"]["timestamp"], "2026-11-23T09:00:00.001Z");

    let one = "query ($n: ID!) { getNodeStatus(nodeId: $n) { nodeId groupId domain timestamp data { key value } } }";
    let merged = server.data(one, json!({"n": "n"})).await["getNodeStatus"].take();
    assert_eq!(merged["data"].as_array().unwrap().len(), 3);
    assert_eq!(merged["timestamp"], "2026-11-23T09:00:00.001Z");
    assert_eq!(server.data(one, json!({"n": "h"})).await, json!({"getNodeStatus": null}));

    let all = r#"query ($g: ID!) { listGroupStatuses(groupId: $g, domain: "d") { nodeId timestamp data { key } } }"#;
    let statuses = server.data(all, json!({"g": group})).await["listGroupStatuses"].take();
    assert_eq!(
        statuses,
        json!([
            {"nodeId": "n", "timestamp": at, "data": [{"key": "x"}, {"key": "y"}]},
            {"nodeId": "n", "timestamp": "2026-11-23T09:00:00.001Z", "data": [{"key": "z"}]},
        ])
    );
}

#[tokio::test]
async fn events_and_their_cursors() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let events = json!([
        {"eventName": "b", "firedAt": "2026-11-23T18:00:00.123456+09:00", "payload": "", "orderKey": "2"},
        {"eventName": "", "firedAt": "2020-02-29T00:00Z"},
        {"eventName": "a", "firedAt": "2026-11-23T09:00:00Z", "payload": null, "orderKey": ""},
    ]);
    let fired = server.data(FIRE, json!({"g": group, "n": "h", "events": events})).await;
    let batch = &fired["fireEventsByNode"]["batchEvent"];
    assert_eq!(
        (&batch["firedByNodeId"], &batch["timestamp"]),
        (&json!("h"), &json!("2026-11-23T09:00:00.000Z"))
    );
    let read =
        |event: &Value| json!([event["name"], event["payload"], event["timestamp"], event["orderKey"]]);
    let expected = json!([
        ["b", "", "2026-11-23T09:00:00.123Z", "2"],
        ["", null, "2020-02-29T00:00:00.000Z", null],
        ["a", null, "2026-11-23T09:00:00.000Z", ""],
    ]);
    let live = batch["events"].as_array().unwrap();
    assert_eq!(live.iter().map(read).collect::<Value>(), expected);
    assert!(live.iter().all(|event| {
        (&event["firedByNodeId"], &event["groupId"], &event["domain"])
            == (&json!("h"), &json!(group), &json!("d"))
    }));
    let polled = server.data(POLL, json!({"g": group, "since": ""})).await["pollGroupData"].take();
    let kept = polled["events"].as_array().unwrap();
    assert_eq!(kept.iter().map(read).collect::<Value>(), expected);
    assert_eq!(polled["complete"], true);
    for (live, kept) in live.iter().zip(kept) {
        assert_eq!(live["cursor"], kept["cursor"], "one place, whoever asks");
        assert!(live["cursor"].as_str().unwrap().len() <= 32);
    }
    let recorded =
        server.data(RECORD, json!({"g": group, "n": "h", "events": [event("c"), event("d")]})).await;
    let recorded = &recorded["recordEventsByNode"];
    assert_eq!(
        (&recorded["recordedCount"], &recorded["groupId"], &recorded["domain"]),
        (&json!(2), &json!(group), &json!("d"))
    );
    let next = server.data(POLL, json!({"g": group, "since": recorded["nextSince"]})).await;
    let names: Vec<_> =
        next["pollGroupData"]["events"].as_array().unwrap().iter().map(|event| &event["name"]).collect();
    assert_eq!(names, ["c", "d"]);
}

#[tokio::test]
async fn heartbeats_and_leaving() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    server.join(&group, "n").await;
    server.clock.advance_seconds(10);
    let renew = r#"mutation ($g: ID!) { renewHeartbeat(groupId: $g, domain: "d", hostId: "h") { __typename groupId domain expiresAt heartbeatIntervalSeconds } }"#;
    let end = "2026-11-23T09:35:00.000Z";
    assert_eq!(
        server.data(renew, json!({"g": group})).await["renewHeartbeat"],
        json!({"__typename": "HeartbeatPayload", "groupId": group, "domain": "d", "expiresAt": end, "heartbeatIntervalSeconds": 60})
    );
    let beat = r#"mutation ($g: ID!, $n: ID!) { sendMemberHeartbeat(groupId: $g, domain: "d", nodeId: $n) { nodeId groupId domain expiresAt heartbeatIntervalSeconds } }"#;
    for node in ["n", "h"] {
        assert_eq!(
            server.data(beat, json!({"g": group, "n": node})).await["sendMemberHeartbeat"],
            json!({"nodeId": node, "groupId": group, "domain": "d", "expiresAt": end, "heartbeatIntervalSeconds": 120})
        );
    }
    let leave = r#"mutation ($g: ID!, $n: ID!) { leaveGroup(groupId: $g, domain: "d", nodeId: $n) { peerId groupId domain message } }"#;
    for node in ["n", "h"] {
        let left = server.data(leave, json!({"g": group, "n": node})).await["leaveGroup"].take();
        assert_eq!(
            (&left["peerId"], &left["groupId"], &left["domain"]),
            (&json!(node), &json!(group), &json!("d"))
        );
        assert!(left["message"].as_str().unwrap().contains(node));
    }
}

#[tokio::test]
async fn a_domain_of_ones_own() {
    let server = TestServer::start().await;
    let domain = server.data("mutation { createDomain }", json!({})).await["createDomain"].clone();
    let text = domain.as_str().unwrap();
    assert!(
        text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    );
    assert_eq!(server.data("mutation { createDomain }", json!({})).await["createDomain"], domain);
}
