//! The server as a service: containers and systemd start it and look after it.

use tokio::net::TcpListener;

use crate::support::{Process, mesh};

/// Runs `mesh health` for a server on this address; the exit code and standard error.
async fn health(address: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = mesh().arg("health").args(arguments).env("MESH_LISTEN", address).output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn health_is_asked_where_the_server_listens() {
    let server = Process::start(&["--in-memory"]).await;
    assert_eq!(health(&server.address.to_string(), &[]).await, (Some(0), String::new()));
    let unspecified = format!("0.0.0.0:{}", server.address.port());
    assert_eq!(health(&unspecified, &[]).await, (Some(0), String::new()));

    let server = Process::start(&["--in-memory", "--tls"]).await;
    assert_eq!(health(&server.address.to_string(), &["--tls"]).await, (Some(0), String::new()));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_healthy() {
    // Free again once it is dropped.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (code, errors) = health(&address, &[]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains(&format!("cannot connect to {address}")), "{errors}");
}
