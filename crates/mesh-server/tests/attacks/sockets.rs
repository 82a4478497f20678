//! Sockets without a right key, and unfinished messages.

use mesh_server::limits::buffers::BufferLimits;
use serde_json::json;

use crate::others;
use crate::support::{KEY, Options, Socket, TestServer};

#[tokio::test]
async fn before_a_right_key_messages_are_small() {
    let server = TestServer::start().await;
    let text = |length: usize| json!({"type": "x", "x": "x".repeat(length)}).to_string();
    let mut socket = Socket::upgrade(server.address, "/graphql", &[]).await.unwrap();
    socket.init().await;
    socket.send_text(&text(10 << 10)).await;
    assert_eq!(socket.next().await["type"], "error");
    socket.send_text(&text(16 << 10)).await;
    assert_eq!(socket.closed().await.0, 1009);
    // A right key allows more.
    let mut socket = Socket::upgrade(server.address, "/graphql", &[]).await.unwrap();
    socket.init().await;
    let group = server.create("h").await;
    let query =
        format!(r#"subscription {{ onMessageInGroup(groupId: "{group}", domain: "d") {{ groupId }} }}"#);
    socket.start("1", json!({"query": query}), Some(json!({"host": "h", "x-api-key": KEY}))).await;
    assert_eq!(socket.next().await["type"], "start_ack");
    socket.send_text(&text(200 << 10)).await;
    assert_eq!(socket.next().await["type"], "error");
}

#[tokio::test]
async fn before_a_right_key_messages_are_few() {
    let server = TestServer::start().await;
    let mut socket = Socket::upgrade(server.address, "/graphql", &[]).await.unwrap();
    socket.init().await;
    for _ in 0..16 {
        socket.send(json!({"type": "stop", "id": "1"})).await;
    }
    let (code, reason) = socket.closed().await;
    assert_eq!((code, &*reason), (1008, "a right key must come first"));
    others::feel_nothing(&server).await;
}

#[tokio::test]
async fn sockets_without_a_key_have_a_limit_of_their_own() {
    let server = TestServer::start_with(Options { trusted_proxies: 1, ..Options::default() }).await;
    let from = |address| [("x-forwarded-for", address)];
    let mut open = Vec::new();
    for _ in 0..256 {
        open.push(Socket::upgrade(server.address, "/graphql", &from("192.0.2.1")).await.unwrap());
    }
    assert!(Socket::upgrade(server.address, "/graphql", &from("192.0.2.1")).await.is_err());
    assert!(Socket::upgrade(server.address, "/graphql", &from("192.0.2.2")).await.is_ok(), "another address");
    // A right key makes room.
    let socket = &mut open[0];
    socket.init().await;
    let query = r#"subscription { onMessageInGroup(groupId: "g", domain: "d") { groupId } }"#;
    socket.start("1", json!({"query": query}), Some(json!({"host": "h", "x-api-key": KEY}))).await;
    assert_eq!(socket.next().await["type"], "start_ack");
    assert!(Socket::upgrade(server.address, "/graphql", &from("192.0.2.1")).await.is_ok());
}

#[tokio::test]
async fn unfinished_messages_are_bounded() {
    let buffers = BufferLimits { total: 1 << 20, per_address: 1 << 20 };
    let server = TestServer::start_with(Options { buffers, ..Options::default() }).await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let mut socket = server.socket().await;
        // The head of a masked text of 256 KB, and almost all of it.
        let mut frame = vec![0x81, 0xff, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0];
        frame.resize(frame.len() + (256 << 10) - 1, b' ');
        socket.raw(&frame).await;
        sockets.push(socket);
    }
    // Four fit; of the others, each is told why it is closed.
    let mut closed = 0;
    for socket in &mut sockets[4..] {
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 1013, "{reason}");
        closed += 1;
    }
    assert_eq!(closed, 4);
    others::feel_nothing(&server).await;
}
