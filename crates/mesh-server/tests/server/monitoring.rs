//! The dashboard and the alerts of `packaging/grafana` name figures that `/metrics` has.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::support::TestServer;

fn packaged(file: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../packaging/grafana");
    fs::read_to_string(folder.join(file)).unwrap()
}

/// The words of a text that name figures of Mesh.
fn figures(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("mesh_")).map(ToOwned::to_owned).collect()
}

/// What each figure of `/metrics` is called in queries: one set for each, with the names of its parts.
async fn served() -> Vec<BTreeSet<String>> {
    let server = TestServer::start().await;
    // Requests are counted by their operation, from the first one on.
    server.create("alice").await;
    let answer = server.client().await.send(Method::GET, "/metrics", &[], b"").await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let named = kinds.map(|kind| {
        let (name, kind) = kind.split_once(' ').unwrap();
        let parts: &[&str] = match kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{name} is a {other}"),
        };
        parts.iter().map(|part| format!("{name}{part}")).collect()
    });
    named.collect()
}

/// The queries of the dashboard's panels and of its variables.
fn queries() -> Vec<String> {
    fn gather(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| gather(value, found)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if name == "expr" || name == "query" => found.push(text.clone()),
                        value => gather(value, found),
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather(&serde_json::from_str(&packaged("mesh.json")).unwrap(), &mut found);
    found
}

#[tokio::test]
async fn the_dashboard_shows_every_figure_and_no_other() {
    let served = served().await;
    let shown: BTreeSet<_> = queries().iter().flat_map(|query| figures(query)).collect();
    for figure in &served {
        assert!(!figure.is_disjoint(&shown), "no panel of mesh.json shows {figure:?}");
    }
    let unknown: Vec<_> =
        shown.iter().filter(|name| !served.iter().any(|figure| figure.contains(*name))).collect();
    assert_eq!(unknown, [""; 0], "mesh.json asks for what /metrics does not have");
}

#[tokio::test]
async fn alerts_ask_for_figures_that_are_served() {
    let served = served().await;
    let asked = figures(&packaged("alerts.yaml"));
    assert!(asked.len() >= 5, "{asked:?}");
    let unknown: Vec<_> =
        asked.iter().filter(|name| !served.iter().any(|figure| figure.contains(*name))).collect();
    assert_eq!(unknown, [""; 0], "alerts.yaml asks for what /metrics does not have");
}
