//! The server as a service: containers and systemd start it and look after it.

use tokio::net::TcpListener;

#[cfg(unix)]
use crate::support::KEY;
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

/// `mesh serve` as systemd starts it: with a listener at descriptor 3, and an address for its state.
#[cfg(unix)]
async fn start_as_service(listener: &std::net::TcpListener, state: &std::path::Path) -> Process {
    use std::os::fd::OwnedFd;
    use std::process::Stdio;

    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\" 3<&0 0</dev/null"]);
    command.arg(env!("CARGO_BIN_EXE_mesh"));
    command.args(["serve", "--in-memory", "--api-key", KEY, "--no-mdns", "--listen", "127.0.0.1:1"]);
    command.env("NOTIFY_SOCKET", state).kill_on_drop(true);
    command.stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Process::spawn(command).await
}

#[cfg(unix)]
#[tokio::test]
async fn a_restart_under_systemd_refuses_nobody() {
    use crate::support::Client;

    let folder = tempfile::tempdir().unwrap();
    let state = tokio::net::UnixDatagram::bind(folder.path().join("state")).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();

    let first = start_as_service(&listener, &folder.path().join("state")).await;
    assert_eq!(first.address, address, "the passed listener, and not that of --listen");
    let mut told = [0; 64];
    let length = state.recv(&mut told).await.unwrap();
    assert_eq!(&told[..length], b"READY=1\n");
    first.client().await.data("mutation { createDomain }", serde_json::Value::Null).await;
    assert_eq!(first.terminate().await, Some(0));

    // Nobody serves, and still the connection is taken; it is answered by the next process.
    let mut waiting = Client::connect(address).await;
    let second = start_as_service(&listener, &folder.path().join("state")).await;
    waiting.data("mutation { createDomain }", serde_json::Value::Null).await;
    assert_eq!(second.address, address);
}
