//! Groups that flood with events: they lose their own.

use serde_json::json;

use crate::support::{FIRE, Options, POLL, TestServer, event};
use crate::{figure, others};

/// The names of the events that a quiet group keeps, while others fire much or nothing.
async fn kept(flooding_groups: usize) -> Vec<String> {
    let server = TestServer::start_with(Options { events: 1 << 20, ..Options::default() }).await;
    let quiet = server.create("quiet").await;
    for name in ["a", "b"] {
        server.data(FIRE, json!({"g": quiet, "n": "quiet", "events": [event(name)]})).await;
    }
    let mut large = event("flood");
    large["payload"] = json!("x".repeat(50_000));
    for host in 0..flooding_groups {
        let host = format!("h{host}");
        let group = server.create(&host).await;
        for _ in 0..20 {
            server.data(FIRE, json!({"g": group, "n": host, "events": [large]})).await;
        }
    }
    assert_eq!(flooding_groups > 0, figure(&server, "mesh_events_dropped_total").await > 0);
    others::feel_nothing(&server).await;
    let polled = server.data(POLL, json!({"g": quiet, "since": ""})).await["pollGroupData"].take();
    assert_eq!(polled["complete"], true);
    polled["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_quiet_group_keeps_its_events_while_others_flood() {
    assert_eq!(kept(0).await, ["a", "b"]);
    assert_eq!(kept(5).await, ["a", "b"]);
}
