//! Behaviour that goes by time: with tokio's clock paused, minutes pass in no time.

use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{self, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use mesh_appsync::selection::Selection;
use mesh_core::Context;
use mesh_core::id::GroupKey;
use mesh_core::model::{DissolveReason, MeshMessage, MessageFields};
use mesh_core::settings::Settings;
use mesh_core::testing::TestClock;
use tokio::io::{AsyncWrite, DuplexStream, WriteHalf, duplex, split};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tungstenite::Message;
use tungstenite::protocol::Role;

use super::connection::{Realtime, Upgrade, UpgradeKey, serve};
use super::fan_out::FanOut;
use super::hub::Hub;
use super::protocol::{Protocol, appsync, transport_ws};
use super::socket::Socket;
use crate::board::BoardRegistry;
use crate::graphql::engine::Engine;
use crate::graphql::executor::Executor;
use crate::keys::ApiKeys;
use crate::limits::Limits;
use crate::limits::memory::MemoryLimits;
use crate::limits::rates::RateLimits;
use crate::metrics::Metrics;
use mesh_local::{LocalSettings, LocalStore, Publisher};

struct Server {
    realtime: Arc<Realtime>,
    too_slow: Arc<AtomicUsize>,
}

impl Server {
    fn new() -> Self {
        let too_slow = Arc::<AtomicUsize>::default();
        let counted = too_slow.clone();
        let hub = Arc::<Hub>::default();
        let realtime = Realtime {
            executor: Arc::new(executor(hub.clone())),
            hub,
            keys: Arc::new(ApiKeys::new(vec!["key".into()])),
            too_slow: Box::new(move || {
                counted.fetch_add(1, Ordering::SeqCst);
            }),
        };
        Self { realtime: Arc::new(realtime), too_slow }
    }

    /// A client's socket with a pipe of so many bytes.
    async fn socket(&self, pipe: usize) -> WebSocketStream<DuplexStream> {
        self.socket_of(Protocol::AppSync, pipe).await
    }

    async fn socket_of(&self, protocol: Protocol, pipe: usize) -> WebSocketStream<DuplexStream> {
        self.socket_with(self.upgrade(protocol), pipe).await
    }

    async fn socket_with(&self, upgrade: Upgrade, pipe: usize) -> WebSocketStream<DuplexStream> {
        let (ours, theirs) = duplex(pipe);
        let (reader, writer) = split(ours);
        tokio::spawn(serve(self.realtime.clone(), upgrade, Socket::new(reader, writer, Bytes::new())));
        WebSocketStream::from_raw_socket(theirs, Role::Client, None).await
    }

    /// Subscribes a socket to a group; a message of it.
    async fn subscribe(&self, socket: &mut WebSocketStream<DuplexStream>) -> MeshMessage {
        socket.send(r#"{"type":"connection_init"}"#.into()).await.unwrap();
        let start = r#"{"id":"1","type":"start","payload":{"data":"{\"query\":\"subscription { onMessageInGroup(groupId: \\\"g\\\", domain: \\\"d\\\") { groupDissolve { message } } }\"}"}}"#;
        socket.send(start.into()).await.unwrap();
        while !socket.next().await.unwrap().unwrap().to_text().unwrap().contains("start_ack") {}
        let group = GroupKey { id: "g".into(), domain: "d".into() };
        MeshMessage::dissolve(Arc::new(group), DissolveReason::ByHost, MessageFields::ALL)
    }

    fn upgrade(&self, protocol: Protocol) -> Upgrade {
        Upgrade {
            protocol,
            key: UpgradeKey::Right,
            address: Ipv4Addr::LOCALHOST.into(),
            rate: self.realtime.executor.limits.rates.connection(),
            without_key: None,
        }
    }
}

/// Operations over an empty store in memory.
fn executor(hub: Arc<Hub>) -> Executor {
    let observer = Arc::<BoardRegistry>::default();
    let settings = LocalSettings {
        settings: Settings::default(),
        max_groups: 10,
        memory: MemoryLimits::default().store,
    };
    let context = Context {
        store: LocalStore::in_memory(&settings, Arc::new(FanOut { observer: observer.clone(), hub }))
            .unwrap(),
        clock: Arc::<TestClock>::default(),
        settings: Settings::default(),
        domain_secret: None,
    };
    Executor {
        context: Arc::new(context),
        engine: Engine::new().unwrap(),
        observer,
        limits: Arc::new(Limits::new(RateLimits::OFF, MemoryLimits::default())),
        metrics: Arc::new(Metrics::new()),
    }
}

async fn code(socket: &mut WebSocketStream<DuplexStream>) -> Option<u16> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(close) = message {
            return close.map(|close| close.code.into());
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn connection_init_comes_in_time_or_never() {
    let server = Server::new();
    let began = Instant::now();
    let mut silent = server.socket(4_096).await;
    assert_eq!(code(&mut silent).await, Some(1008));
    assert_eq!(began.elapsed().as_secs(), 15);
    let mut late = server.socket(4_096).await;
    sleep(Duration::from_secs(14)).await;
    late.send(r#"{"type":"connection_init"}"#.into()).await.unwrap();
    let ack = late.next().await.unwrap().unwrap();
    assert!(ack.into_text().unwrap().contains("connection_ack"));
    assert!(timeout(Duration::from_secs(100), code(&mut late)).await.is_err(), "it stays");
    let mut silent = server.socket_of(Protocol::TransportWs, 4_096).await;
    assert_eq!(code(&mut silent).await, Some(4408));
}

#[tokio::test(start_paused = true)]
async fn a_right_key_comes_in_time_or_never() {
    let server = Server::new();
    let began = Instant::now();
    let upgrade = Upgrade { key: UpgradeKey::Missing, ..server.upgrade(Protocol::AppSync) };
    let mut socket = server.socket_with(upgrade, 4_096).await;
    socket.send(r#"{"type":"connection_init"}"#.into()).await.unwrap();
    assert_eq!(code(&mut socket).await, Some(1008));
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn keep_alives_come_every_minute_at_most() {
    let server = Server::new();
    let mut socket = server.socket(4_096).await;
    socket.send(r#"{"type":"connection_init"}"#.into()).await.unwrap();
    let mut last = None;
    let mut keep_alives = 0;
    while keep_alives < 40 {
        // Reading answers the pings, as every browser does.
        let message = socket.next().await.unwrap().unwrap();
        if matches!(&message, Message::Text(text) if text.as_str() == r#"{"type":"ka"}"#) {
            let now = Instant::now();
            assert!(last.is_none_or(|last| now - last <= Duration::from_mins(1)));
            last = Some(now);
            keep_alives += 1;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_found() {
    let server = Server::new();
    // A peer whose machine was unplugged: nothing comes from it, nothing is read.
    let mut socket = server.socket(1 << 20).await;
    socket.send(r#"{"type":"connection_init"}"#.into()).await.unwrap();
    while server.realtime.hub.counts().connections == 0 {
        sleep(Duration::from_secs(1)).await;
    }
    let began = Instant::now();
    while server.realtime.hub.counts().connections > 0 {
        sleep(Duration::from_secs(1)).await;
    }
    assert!((110..=200).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_is_closed_counted_and_told() {
    let server = Server::new();
    let mut socket = server.socket(1_000).await;
    let message = server.subscribe(&mut socket).await;
    // More than a megabyte waits, and the peer takes nothing for ten seconds.
    for _ in 0..20_000 {
        server.realtime.hub.publish(&message);
    }
    sleep(Duration::from_secs(11)).await;
    assert_eq!(server.too_slow.load(Ordering::SeqCst), 1);
    assert_eq!(server.realtime.hub.counts().subscriptions, 0);
    assert_eq!(code(&mut socket).await, Some(1013));
}

/// The writing side of a socket, whose writes are counted.
struct Counting {
    writer: WriteHalf<DuplexStream>,
    writes: Arc<AtomicUsize>,
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.writer).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}

#[tokio::test(start_paused = true)]
async fn what_tasks_publish_one_after_another_leaves_in_one_write() {
    let server = Server::new();
    let (ours, theirs) = duplex(1 << 20);
    let (reader, writer) = split(ours);
    let count = Arc::<AtomicUsize>::default();
    let writer = Counting { writer, writes: count.clone() };
    let upgrade = server.upgrade(Protocol::AppSync);
    tokio::spawn(serve(server.realtime.clone(), upgrade, Socket::new(reader, writer, Bytes::new())));
    let mut socket = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    let message = server.subscribe(&mut socket).await;
    let hub = server.realtime.hub.clone();
    tokio::spawn(async move { hub.dispatch().await });
    // The first makes the others fast.
    for messages in [1, 3] {
        count.store(0, Ordering::SeqCst);
        for _ in 0..messages {
            let (hub, message) = (server.realtime.hub.clone(), message.clone());
            tokio::spawn(async move { hub.publish(&message) }).await.unwrap();
        }
        for _ in 0..messages {
            assert!(socket.next().await.unwrap().unwrap().to_text().unwrap().contains("groupDissolve"));
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn subscriptions_with_the_same_selection_share_their_bytes() {
    let hub = Arc::<Hub>::default();
    let group = GroupKey { id: "g".into(), domain: "d".into() };
    let connections: Vec<_> = (0..3).map(|_| hub.connect(Ipv4Addr::LOCALHOST.into())).collect();
    let mut little = Selection::default();
    little.push("groupId", "groupId", mesh_appsync::message_fields::of_path("groupId"), Selection::EMPTY);
    for (index, connection) in connections.iter().enumerate() {
        let selection = if index < 2 { Selection::of_message() } else { little.clone() };
        // Also those of different protocols.
        let framing = if index == 0 { appsync::framing } else { transport_ws::framing };
        connection.subscribe(group.clone(), selection, framing("1", "onMessageInGroup"), 0).unwrap();
    }
    hub.publish(&MeshMessage::dissolve(Arc::new(group), DissolveReason::ByHost, MessageFields::ALL));
    let tails = connections.iter().map(|connection| {
        let mut taken = Vec::new();
        connection.queue().take(&mut taken);
        let [message] = &taken[..] else { panic!("one message: {taken:?}") };
        message.tail.clone()
    });
    let tails: Vec<Bytes> = tails.collect();
    assert_eq!(tails[0].as_ptr(), tails[1].as_ptr(), "the same bytes");
    assert_eq!(&tails[2][..], br#"{"groupId":"g"}}}}"#);
}
