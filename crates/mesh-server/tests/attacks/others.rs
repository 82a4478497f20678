//! The others, whom an attack must cost nothing: the same lesson on the attacked server and on one that nobody attacks.

use serde_json::{Value, json};

use crate::figure;
use crate::support::{FIRE, JOIN, POLL, RECORD, REPORT, Socket, TestServer, event};

/// Figures of the server that a lesson changes: work that was done for it, and memory that it keeps.
const FIGURES: [&str; 5] = [
    "mesh_deliveries_total",
    "mesh_events_kept_total",
    "mesh_publishing_yields_total",
    "mesh_requests_total{operation=\"pollGroupData\",result=\"ok\"}",
    "mesh_memory_bytes{kind=\"nodes\"}",
];

/// What a class notices of a lesson, and what it takes.
#[derive(Debug, PartialEq)]
struct Lesson {
    heard: Vec<Vec<String>>,
    polled: Vec<String>,
    complete: bool,
    took: Vec<u64>,
}

/// Others have the same lesson here as on a server that nobody attacks, for the same work and memory.
pub async fn feel_nothing(attacked: &TestServer) {
    let untouched = TestServer::start().await;
    assert_eq!(lesson(attacked).await, lesson(&untouched).await);
}

async fn figures(server: &TestServer) -> Vec<u64> {
    let mut figures = Vec::new();
    for name in FIGURES {
        figures.push(figure(server, name).await);
    }
    figures
}

async fn lesson(server: &TestServer) -> Lesson {
    let before = figures(server).await;
    let group = server.create("the teacher of others").await;
    let mut sockets = [server.subscribed(&group).await, server.subscribed(&group).await];
    server.data(JOIN, json!({"g": group, "n": "pupil", "ws": false})).await;
    let data = json!([{"key": "k", "value": "v"}]);
    server.data(REPORT, json!({"g": group, "n": "pupil", "data": data})).await;
    server.data(FIRE, json!({"g": group, "n": "pupil", "events": [event("a"), event("b")]})).await;
    server.data(RECORD, json!({"g": group, "n": "pupil", "events": [event("c")]})).await;
    let mut heard = Vec::new();
    for socket in &mut sockets {
        heard.push(hear(socket, 3).await);
    }
    let polled = server.data(POLL, json!({"g": group, "since": ""})).await["pollGroupData"].take();
    let took = figures(server).await.iter().zip(before).map(|(after, before)| after - before).collect();
    Lesson { heard, polled: names(&polled["events"]), complete: polled["complete"] == true, took }
}

/// The values and names of events in the next messages.
async fn hear(socket: &mut Socket, messages: usize) -> Vec<String> {
    let mut heard = Vec::new();
    for _ in 0..messages {
        let message = socket.data("1").await;
        let data = message["nodeStatus"]["data"].as_array().into_iter().flatten();
        heard.extend(data.map(|item| format!("{} = {}", item["key"], item["value"])));
        heard.extend(names(&message["batchEvent"]["events"]));
    }
    heard
}

fn names(events: &Value) -> Vec<String> {
    let events = events.as_array().into_iter().flatten();
    events.map(|event| event["name"].as_str().unwrap().to_owned()).collect()
}
