//! How groups begin and end, with everybody at once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{CREATE, FIRE, POLL, REPORT, TestServer, event};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_creations_at_once_make_one_group() {
    let server = TestServer::start().await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(server.client().await);
    }
    let calls = clients.iter_mut().enumerate().map(|(number, client)| {
        client.data(CREATE, json!({"hostId": "h", "name": format!("name {number}")}))
    });
    let groups: Vec<Value> = join_all(calls).await;
    assert!(groups.iter().all(|group| *group == groups[0]));
    let listed = server.data(r#"{ listGroupsByDomain(domain: "d") { id } }"#, json!({})).await;
    assert_eq!(listed["listGroupsByDomain"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn subscribers_hear_of_an_expiry_unasked() {
    let server = TestServer::start().await;
    let expires = server.create("expires").await;
    let mut socket = server.subscribed(&expires).await;
    for _ in 0..20 {
        server.clock.advance_seconds(100);
        let renew = r#"mutation ($g: ID!) { renewHeartbeat(groupId: $g, domain: "d", hostId: "expires") { expiresAt } }"#;
        server.data(renew, json!({"g": expires})).await;
    }
    socket.heard_nothing().await;
    server.clock.advance_seconds(100);
    let message = socket.data("1").await;
    assert!(message["groupDissolve"]["message"].as_str().unwrap().contains("dissolved"), "{message}");
    assert_eq!((&message["groupId"], &message["domain"]), (&json!(expires), &json!("d")));

    let silent = server.create("silent").await;
    socket.subscribe("2", &silent, "d").await;
    server.clock.advance_seconds(151);
    let message = socket.data("2").await;
    assert!(message["groupDissolve"]["message"].as_str().unwrap().contains("dissolved"), "{message}");
    assert_eq!(message["nodeStatus"], Value::Null);
}

#[tokio::test]
async fn the_hosts_leaving_is_heard() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.subscribed(&group).await;
    let leave = r#"mutation ($g: ID!) { leaveGroup(groupId: $g, domain: "d", nodeId: "h") { peerId } }"#;
    assert_eq!(server.data(leave, json!({"g": group})).await["leaveGroup"]["peerId"], "h");
    let message = socket.data("1").await;
    assert!(message["groupDissolve"]["message"].as_str().unwrap().contains("dissolved"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_variable_set_before_an_event_arrives_before_it() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut sockets = join_all((0..5).map(|_| server.subscribed(&group))).await;
    let writers = (0..8).map(|writer| {
        let (server, group) = (&server, &group);
        async move {
            let node = format!("n{writer}");
            server.join(group, &node).await;
            let mut client = server.client().await;
            for step in 0..20 {
                let name = format!("{node}/{step}");
                let data = json!([{"key": node, "value": name}]);
                client.data(REPORT, json!({"g": group, "n": node, "data": data})).await;
                client.data(FIRE, json!({"g": group, "n": node, "events": [event(&name)]})).await;
            }
        }
    });
    join_all(writers).await;
    let mut orders = Vec::new();
    for socket in &mut sockets {
        let mut values = std::collections::HashMap::new();
        let mut order = Vec::new();
        for _ in 0..8 * 20 * 2 {
            let message = socket.data("1").await;
            if let Some(data) = message["nodeStatus"]["data"].as_array() {
                values.insert(data[0]["key"].clone(), data[0]["value"].clone());
            } else {
                let batch = &message["batchEvent"];
                assert_eq!(values[&batch["firedByNodeId"]], batch["events"][0]["name"]);
                order.push(batch["events"][0]["name"].clone());
            }
        }
        orders.push(order);
    }
    assert!(orders.iter().all(|order| *order == orders[0]), "everybody hears one order");
    let mut since = json!("");
    let mut polled = Vec::new();
    loop {
        let page =
            server.data(POLL, json!({"g": group, "since": since})).await["pollGroupData"]["events"].take();
        let Some(last) = page.as_array().unwrap().last() else { break };
        since = last["cursor"].clone();
        polled.extend(page.as_array().unwrap().iter().map(|event| event["name"].clone()));
    }
    assert_eq!(polled, orders[0], "and pollers the same");
}

#[tokio::test]
async fn a_late_joiner_sees_every_variable() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let report = async |data: Value| server.data(REPORT, json!({"g": group, "n": "h", "data": data})).await;
    report(json!([{"key": "x", "value": "1"}, {"key": "y", "value": "1"}])).await;
    server.clock.advance_seconds(60);
    report(json!([{"key": "x", "value": "2"}])).await;
    let query = r#"query ($g: ID!) { listGroupStatuses(groupId: $g, domain: "d") { nodeId timestamp data { key value } } }"#;
    assert_eq!(
        server.data(query, json!({"g": group})).await["listGroupStatuses"],
        json!([
            {"nodeId": "h", "timestamp": "2026-11-23T09:00:00.000Z", "data": [{"key": "y", "value": "1"}]},
            {"nodeId": "h", "timestamp": "2026-11-23T09:01:00.000Z", "data": [{"key": "x", "value": "2"}]},
        ])
    );
}
