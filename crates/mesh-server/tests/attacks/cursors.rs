//! Forged cursors: what another node is served next does not move.

use serde_json::{Value, json};

use crate::others;
use crate::support::{FIRE, JOIN, POLL, RECORD, TestServer, event};

async fn poll(server: &TestServer, group: &str, since: &str) -> Vec<Value> {
    let polled = server.data(POLL, json!({"g": group, "since": since})).await;
    polled["pollGroupData"]["events"].as_array().unwrap().clone()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["name"].as_str().unwrap()).collect()
}

/// The names of what a polling node hears once it recorded, while another client asks with forged cursors or not.
async fn heard(is_attacked: bool) -> Vec<String> {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    for node in ["victim", "another poller"] {
        server.data(JOIN, json!({"g": group, "n": node, "ws": false})).await;
    }
    let record = async |name: &str| {
        let recorded = server.data(RECORD, json!({"g": group, "n": "victim", "events": [event(name)]})).await;
        recorded["recordEventsByNode"]["nextSince"].as_str().unwrap().to_owned()
    };
    let since = record("first").await;
    assert_eq!(names(&poll(&server, &group, &since).await), ["first"]);
    server.data(FIRE, json!({"g": group, "n": "h", "events": [event("meanwhile")]})).await;
    if is_attacked {
        // As far as anybody can see, and with the readers that are easily guessed.
        let end = poll(&server, &group, "").await.last().unwrap()["cursor"].as_str().unwrap().to_owned();
        assert_eq!(end.split('-').count(), 3, "who recorded nothing is told nobody's number: {end}");
        for reader in 0..64 {
            assert!(poll(&server, &group, &format!("{end}-{reader:x}")).await.is_empty());
        }
        let (place, _) = end.rsplit_once('-').unwrap();
        let beyond = json!({"g": group, "since": format!("{place}-3e8-1")});
        assert_eq!(server.ask(POLL, beyond).await["errors"][0]["errorType"], "ValidationError");
    }
    others::feel_nothing(&server).await;
    let since = record("second").await;
    poll(&server, &group, &since)
        .await
        .iter()
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_forged_cursor_moves_nobody() {
    assert_eq!(heard(true).await, ["meanwhile", "second"]);
    assert_eq!(heard(false).await, ["meanwhile", "second"]);
}

#[tokio::test]
async fn live_messages_name_no_reader() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.subscribed(&group).await;
    let recorded = server.data(RECORD, json!({"g": group, "n": "h", "events": [event("e")]})).await;
    let own = recorded["recordEventsByNode"]["nextSince"].as_str().unwrap();
    assert_eq!(own.split('-').count(), 4, "{own}");
    let live = socket.data("1").await["batchEvent"]["events"][0]["cursor"].as_str().unwrap().to_owned();
    assert_eq!(live.split('-').count(), 3, "{live}");
}
