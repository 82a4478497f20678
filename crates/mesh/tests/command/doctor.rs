//! `mesh doctor` beside servers that are there, and that are not.

use serde_json::Value;

use super::support::{Process, mesh};

async fn found(listen: &str, json: bool) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = mesh();
    command.args(["doctor", "--listen", listen, "--data"]).arg(folder.path());
    if json {
        command.arg("--json");
    }
    let output = command.output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn a_running_server_is_no_obstacle_and_another_program_is() {
    let server = Process::start(&["--in-memory"]).await;
    let (code, told) = found(&server.address.to_string(), false).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("ok    port        Mesh serves at "), "{told}");
    assert!(told.contains("-> for a classroom: --listen 0.0.0.0"), "{told}");

    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    std::thread::spawn(move || while other.accept().is_ok() {});
    let (code, told) = found(&address.to_string(), true).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["works"]), (Some(1), &Value::Bool(false)), "{told:#}");
    assert_eq!(told["findings"][0]["state"], "problem", "{told:#}");
    let names: Vec<_> = told["findings"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["port", "addresses", "disk", "clock", "descriptors"], "{told:#}");
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let mut command = mesh();
    let output = command.args(["doctor", "--listen", "no such host:4000"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("mesh: no such host:4000: "), "{output:?}");
}
