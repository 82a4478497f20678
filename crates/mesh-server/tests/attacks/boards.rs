//! Boards over large groups, and boards that nobody reads.

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{ADMIN_KEY, JOIN, REPORT, TestServer};

async fn open(server: &TestServer) -> Incoming {
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/admin/board").header("host", "localhost").header("x-admin-key", ADMIN_KEY);
    sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap().into_body()
}

/// The next update, and how many bytes it had.
async fn update(board: &mut Incoming, received: &mut Vec<u8>) -> (Value, usize) {
    loop {
        if let Some(end) = received.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<_> = received.drain(..end + 2).collect();
            let text = String::from_utf8(event).unwrap();
            if let Some(data) = text.strip_prefix("data: ") {
                return (serde_json::from_str(data.trim()).unwrap(), text.len());
            }
        } else {
            received.extend_from_slice(board.frame().await.unwrap().unwrap().data_ref().unwrap());
        }
    }
}

#[tokio::test]
async fn a_large_group_is_told_little_by_little() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    for node in 0..5 {
        let node = format!("n{node}");
        server.data(JOIN, json!({"g": group, "n": node})).await;
        for part in 0..4 {
            let key = |key: usize| json!({"key": format!("{part}.{key}"), "value": "x".repeat(20)});
            let data: Vec<_> = (0..250).map(key).collect();
            server.data(REPORT, json!({"g": group, "n": node, "data": data})).await;
        }
    }
    let (mut board, mut received) = (open(&server).await, Vec::new());
    let mut told = 0;
    while told < 5_000 {
        let (update, bytes) = update(&mut board, &mut received).await;
        let groups = update["groups"].as_array().cloned().unwrap_or_default();
        let nodes = groups.iter().flat_map(|group| group["nodes"].as_array().cloned().unwrap_or_default());
        let values: usize = nodes.map(|node| node["values"].as_array().map_or(0, Vec::len)).sum();
        assert!(values <= 750, "500, and the rest of a report: {values}");
        assert!(bytes < 100_000, "{bytes}");
        told += values;
    }
    assert_eq!(told, 5_000, "each once");
}
