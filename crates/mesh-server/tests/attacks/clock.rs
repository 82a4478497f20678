//! Clocks that nobody set.

use serde_json::json;

use crate::support::{FIRE, JOIN, POLL, RECORD, REPORT, TestServer, event};

/// The dates of events on a server whose clock was moved by so many milliseconds, and how many of them a poll has.
async fn lesson(moved: i64) -> (Vec<String>, usize) {
    let server = TestServer::start().await;
    server.clock.jump(moved);
    let group = server.create("h").await;
    let mut socket = server.subscribed(&group).await;
    server.data(JOIN, json!({"g": group, "n": "n"})).await;
    server.data(REPORT, json!({"g": group, "n": "n", "data": [{"key": "k", "value": "v"}]})).await;
    server.data(FIRE, json!({"g": group, "n": "n", "events": [event("e")]})).await;
    server.data(RECORD, json!({"g": group, "n": "n", "events": [event("e")]})).await;
    assert_eq!(socket.data("1").await["nodeStatus"]["data"][0]["value"], "v");
    let mut dates = Vec::new();
    for _ in 0..2 {
        dates.push(socket.data("1").await["batchEvent"]["timestamp"].as_str().unwrap().to_owned());
    }
    let polled = server.data(POLL, json!({"g": group, "since": ""})).await;
    (dates, polled["pollGroupData"]["events"].as_array().unwrap().len())
}

#[tokio::test]
async fn a_clock_before_1970_serves_a_lesson_as_any_other() {
    const TO_1969: i64 = -1_795_424_400_000 - 86_400_000;
    let (usual, early) = (lesson(0).await, lesson(TO_1969).await);
    assert!(usual.0.iter().all(|date| date.starts_with("2026-")), "{usual:?}");
    assert!(early.0.iter().all(|date| date.starts_with("1969-12-31T")), "{early:?}");
    assert_eq!(early.1, usual.1);
}
