//! Boards over large groups, and boards that nobody reads.

use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use mesh_local::resident::{in_own_process, resident_bytes};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::support::{ADMIN_KEY, JOIN, REPORT, TestServer};
use crate::{figure, others, seconds};

/// A board whose system takes little on its own.
async fn open(server: &TestServer) -> Incoming {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let socket = socket.connect(server.address).await.unwrap();
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

/// What one board may cost.
const MOST: usize = 8 << 20;
/// The boards that may be open.
const BOARDS: usize = 8;

/// The nodes of the large group, and as many other groups.
const NODES: usize = 40;

/// A server over a large state: each node of one group has 90 KB.
struct Large {
    group: String,
    server: TestServer,
}

impl Large {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let group = server.create("n0").await;
        for number in 1..NODES {
            server.join(&group, &format!("n{number}")).await;
            server.create(&format!("host {number}")).await;
        }
        let large = Self { group, server };
        large.change(NODES).await;
        large
    }

    /// Some nodes change all of their values, which are told in six times the bytes that they have.
    async fn change(&self, nodes: usize) {
        let report = r#"mutation ($g: ID!, $n: ID!, $data: [SensorDataInput!]!) {
            reportDataByNode(groupId: $g, domain: "d", nodeId: $n, data: $data) { groupId } }"#;
        let mut client = self.server.client().await;
        let data: Vec<_> =
            (0..250).map(|key| json!({"key": format!("{key:0240}"), "value": "\u{1}".repeat(120)})).collect();
        for number in 0..nodes {
            client.data(report, json!({"g": self.group, "n": format!("n{number}"), "data": data})).await;
        }
    }

    /// A board that shows the large group and is not read any more.
    async fn stalled_board(&self) -> Incoming {
        let mut board = open(&self.server).await;
        let (update, _) = update(&mut board, &mut Vec::new()).await;
        let body = json!({"board": update["board"], "groupId": self.group}).to_string();
        let headers = [("x-admin-key", ADMIN_KEY)];
        let mut client = self.server.client().await;
        let opened = client.send(Method::POST, "/admin/open", &headers, body.as_bytes()).await;
        assert_eq!(opened.status, StatusCode::NO_CONTENT);
        board
    }

    /// The bytes that boards hold.
    async fn held(&self) -> usize {
        usize::try_from(figure(&self.server, "mesh_memory_bytes{kind=\"held\"}").await).unwrap()
    }
}

/// Memory is the process's, so no other test may take any.
#[test]
fn boards_that_nobody_reads_cost_little() {
    in_own_process("boards::boards_that_nobody_reads_cost_little", || {
        Runtime::new().unwrap().block_on(boards_that_nobody_reads());
    });
}

async fn boards_that_nobody_reads() {
    let (watched, alone) = (Large::start().await, Large::start().await);
    let change = async || {
        watched.change(5).await;
        alone.change(5).await;
    };
    change().await;
    let resident = resident_bytes();
    let boards = join_all((0..BOARDS).map(|_| watched.stalled_board())).await;
    // Each board waits with an update of 500 values; only a broken server lets none wait.
    let waiting = async {
        while watched.held().await < BOARDS * 300_000 {
            change().await;
        }
    };
    timeout(Duration::from_mins(1), waiting).await.expect("boards that wait");
    for _ in 0..5 {
        change().await;
        let (held, taken) = (watched.held().await, resident_bytes().saturating_sub(resident));
        println!("{held} bytes wait, {taken} are taken");
        assert!(held <= BOARDS * MOST && taken <= BOARDS * MOST, "{held} bytes wait, {taken} are taken");
    }
    assert_eq!(alone.held().await, 0);
    // Others have the same lesson as without boards.
    others::feel_nothing(&watched.server).await;
    others::feel_nothing(&alone.server).await;
    let locked = async |large: &Large| seconds(&large.server, "mesh_store_locked_seconds_total").await;
    let (watched, alone) = (locked(&watched).await, locked(&alone).await);
    assert!(watched < alone * 10.0 + 0.2, "the store was kept for {watched} s, without boards for {alone} s");
    drop(boards);
}
