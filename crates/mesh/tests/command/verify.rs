//! `mesh verify` against a server.

use serde_json::Value;

use super::support::{KEY, Process, mesh};

/// The exit code, and what was printed to standard output and error.
async fn verified(server: &Process, key: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let endpoint = format!("http://{}/graphql", server.address);
    let mut command = mesh();
    command.args(["verify", &endpoint, "--api-key", key]).args(arguments);
    let output = command.output().await.unwrap();
    let [said, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), said, told)
}

#[tokio::test]
async fn everything_works_here() {
    let server = Process::start(&["--in-memory"]).await;
    let (code, table, _) = verified(&server, KEY, &[]).await;
    assert_eq!(code, Some(0), "{table}");
    assert!(!table.contains("FAIL") && table.contains("all groups are removed"), "{table}");
}

/// What is said before is what a user agrees to pay for.
#[tokio::test]
async fn a_run_sends_no_more_than_was_said() {
    let server = Process::start(&["--in-memory"]).await;
    for arguments in [&["--json"][..], &["--json", "--without-subscriptions"]] {
        let (code, json, told) = verified(&server, KEY, arguments).await;
        assert_eq!(code, Some(0), "{json}");
        let report: Value = serde_json::from_str(&json).unwrap();
        let words = told.split("at most ").nth(1).unwrap().split(' ').next();
        let said: u64 = words.unwrap().parse().unwrap();
        let sent = report["calls"].as_u64().unwrap();
        assert!((1..=said).contains(&sent), "{sent} calls, {told}");
    }
}

#[tokio::test]
async fn what_does_not_work_is_said() {
    let server = Process::start(&["--in-memory"]).await;
    let (code, json, _) = verified(&server, "da2-another", &["--json", "--without-subscriptions"]).await;
    assert_eq!(code, Some(1), "{json}");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["works"], false);
    let checks = report["checks"].as_array().unwrap();
    let works = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap()["works"].clone();
    assert_eq!((works("createDomain"), works("a wrong key in a request")), (false.into(), true.into()));
}
