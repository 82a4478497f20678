//! What functions log, and that docs/operations.md asks for just that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, io};

use mesh_core::ErrorType;
use mesh_dynamodb::table::Usage;
use mesh_dynamodb::testing::{Fault, Request};
use mesh_lambda::log;
use mesh_lambda::metrics::{Invocation, Protocol};
use mesh_lambda::start::Told;
use serde_json::{Value, json};

use super::{Functions, event, project, store_with};

/// What Logs Insights knows by itself.
const WORDS: [&str; 17] = [
    "@timestamp",
    "and",
    "as",
    "asc",
    "avg",
    "bin",
    "by",
    "count",
    "desc",
    "fields",
    "filter",
    "ispresent",
    "max",
    "pct",
    "sort",
    "stats",
    "sum",
];

/// The line of an invocation of which everything is to be told.
fn line_of(protocol: Protocol) -> Value {
    let invocation = Invocation {
        request_id: "request",
        operation: "joinGroup",
        group_id: Some("group".to_owned()),
        domain_hash: Some("hash".to_owned()),
        error_type: Some(ErrorType::GroupNotFound),
        protocol: Some(protocol),
        usage: Usage { requests: 1, read_units: 1.0, write_units: 1.0, time: Duration::from_millis(1) },
        environment: Told { init: Some(Duration::from_millis(80)), memory: Some(8 << 20) },
    };
    serde_json::from_str(&invocation.line("stack")).unwrap()
}

/// Collects what is written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged when the table refuses a member's report.
async fn failure() -> String {
    let store = store_with(|_: &Request| Fault::Refused(400, "AccessDeniedException")).await;
    let lines = Lines::default();
    let writer = lines.clone();
    let logging = tracing::subscriber::set_default(log::subscriber(move || writer.clone()));
    let answer = Functions::over(store).answer(&event("report-status.json")).await;
    drop(logging);
    assert_eq!(answer["error"]["type"], "InternalFailure");
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The text of docs/operations.md below a heading.
fn section(page: &str, heading: &str) -> String {
    let (_, behind) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    behind.split("\n## ").next().unwrap().to_owned()
}

fn page() -> String {
    fs::read_to_string(project().join("docs/operations.md")).unwrap()
}

#[tokio::test]
async fn a_failure_names_its_call_and_no_child() {
    let text = failure().await;
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&json!("ERROR"), &json!("the store failed")));
    assert_eq!((&line["requestId"], &line["Operation"]), (&json!("request"), &json!("reportDataByNode")));
    assert!(line["detail"].as_str().unwrap().contains("AccessDeniedException"), "{text}");
    let event = event("report-status.json");
    assert_eq!(line["groupId"], event["arguments"]["groupId"]);
    for text_of_client in
        ["nodeId", "domain"].map(|name| event["arguments"][name].as_str().unwrap().to_owned())
    {
        assert!(!text.contains(&text_of_client), "{text}");
    }
}

#[test]
fn the_runtime_does_not_warn_at_each_start() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logging = tracing::subscriber::set_default(log::subscriber(move || writer.clone()));
    tracing::warn!(target: "lambda_runtime::runtime", "running sequentially");
    tracing::error!(target: "lambda_runtime::runtime", "it failed");
    tracing::warn!("ours");
    drop(logging);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("sequentially") && text.contains("it failed") && text.contains("ours"), "{text}");
}

#[tokio::test]
async fn the_queries_ask_for_what_is_logged() {
    let failure: Value = serde_json::from_str(&failure().await).unwrap();
    let mut known: BTreeSet<_> = WORDS.map(str::to_owned).into();
    for line in [line_of(Protocol::Polling), failure] {
        known.extend(line.as_object().unwrap().keys().cloned());
    }
    let text = section(&page(), "Log queries");
    let queries: Vec<_> = text.split("```logs-insights\n").skip(1).collect();
    assert!(queries.len() >= 5);
    for query in queries.iter().map(|rest| rest.split("```").next().unwrap()) {
        // Without texts in quotes, which every second part is.
        let code: String = query.split('"').step_by(2).collect();
        let names: Vec<_> = code.split(|c: char| !c.is_alphanumeric() && c != '@').collect();
        let made: BTreeSet<_> =
            names.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1].to_owned()).collect();
        for name in names.into_iter().filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '@'))
        {
            assert!(known.contains(name) || made.contains(name), "nothing is called {name}: {query}");
        }
    }
}

#[test]
fn every_metric_is_in_the_guide() {
    let mut metrics = BTreeMap::new();
    for line in [Protocol::WebSocket, Protocol::Polling].map(line_of) {
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for metric in directive["Metrics"].as_array().unwrap() {
                let text = |name: &str| metric[name].as_str().unwrap().to_owned();
                metrics.insert(text("Name"), text("Unit"));
            }
        }
    }
    let section = section(&page(), "Metrics");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let unit = |rest: &str| if rest.starts_with("ms |") { "Milliseconds" } else { "Count" }.to_owned();
    let listed: BTreeMap<_, _> = rows.map(|(name, rest)| (name.to_owned(), unit(rest))).collect();
    assert_eq!(listed, metrics);
}
