//! `mesh verify` against a server.

use serde_json::Value;

use super::support::{KEY, Process, mesh};

async fn verified(server: &Process, key: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let endpoint = format!("http://{}/graphql", server.address);
    let mut command = mesh();
    command.args(["verify", &endpoint, "--api-key", key]).args(arguments);
    let output = command.output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn everything_works_here() {
    let server = Process::start(&["--in-memory"]).await;
    let (code, table) = verified(&server, KEY, &[]).await;
    assert_eq!(code, Some(0), "{table}");
    assert!(!table.contains("FAIL") && table.contains("all groups are removed"), "{table}");
}

#[tokio::test]
async fn what_does_not_work_is_said() {
    let server = Process::start(&["--in-memory"]).await;
    let (code, json) = verified(&server, "da2-another", &["--json", "--without-subscriptions"]).await;
    assert_eq!(code, Some(1), "{json}");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["works"], false);
    let checks = report["checks"].as_array().unwrap();
    let works = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap()["works"].clone();
    assert_eq!((works("createDomain"), works("a wrong key")), (false.into(), true.into()));
}
