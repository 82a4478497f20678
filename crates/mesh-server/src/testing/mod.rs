//! A server on a free port, and clients that say exactly what a test wants.

#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used)]
#![allow(missing_docs, reason = "texts and steps that say it by their names")]

mod http;
mod shared_socket;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::http::{Console, Folder, Hosts, Origins};
use crate::keys::ApiKeys;
use crate::limits::buffers::BufferLimits;
use crate::limits::connections::ConnectionLimits;
use crate::limits::memory::MemoryLimits;
use crate::limits::rates::RateLimits;
use crate::wiring::{Parts, Storage};
use mesh_core::network::DomainSecret;
use mesh_core::settings::{Limits as StoreLimits, Settings};
use mesh_core::testing::TestClock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use http::{Client, Response};
pub use shared_socket::SharedSocket;
pub use socket::Socket;

/// The key of every test server; a second one is live beside it.
pub const KEY: &str = "da2-the-first-key";
pub const ADMIN_KEY: &str = "admin-the-teachers";
pub const OTHER_KEY: &str = "da2-the-second-key";

/// The choices of a test.
pub struct Options {
    pub settings: Settings,
    pub connections: ConnectionLimits,
    pub rates: RateLimits,
    pub buffers: BufferLimits,
    /// Bytes of events that all groups together may keep.
    pub events: usize,
    /// Bytes that may wait for all connections.
    pub waiting: usize,
    pub origins: Origins,
    pub trusted_proxies: usize,
    pub console: Console,
    pub folder: Option<Folder>,
}

impl Default for Options {
    fn default() -> Self {
        let limits = StoreLimits { nodes_in_group: 50, groups_in_domain: 50 };
        Self {
            settings: Settings { limits, ..Settings::default() },
            connections: ConnectionLimits::total(2_000),
            rates: RateLimits::OFF,
            buffers: BufferLimits::default(),
            events: MemoryLimits::default().store.events,
            waiting: MemoryLimits::default().waiting,
            origins: Origins::Default,
            trusted_proxies: 0,
            console: Console::OnLoopback,
            folder: None,
        }
    }
}

/// A server in this process, whose clock the test sets. Stops when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    pub clock: Arc<TestClock>,
    _stop: oneshot::Sender<()>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Self {
        let clock = Arc::<TestClock>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (buffers, waiting) = (options.buffers, options.waiting);
        let mut memory = MemoryLimits { waiting, buffers, ..MemoryLimits::default() };
        memory.store.events = options.events;
        let parts = Parts {
            listeners: vec![listener],
            tls: None,
            base_url: format!("http://{address}"),
            storage: Storage::Memory,
            settings: options.settings,
            max_groups: 1_000,
            clock: clock.clone(),
            domain_secret: DomainSecret::new(b"a secret of the tests"),
            keys: Arc::new(ApiKeys::new(vec![KEY.into(), OTHER_KEY.into()])),
            admin_keys: ApiKeys::new(vec![ADMIN_KEY.into()]),
            connections: options.connections,
            rates: options.rates,
            memory,
            trusted_proxies: options.trusted_proxies,
            origins: options.origins,
            hosts: Hosts::default(),
            console: options.console,
            folder: options.folder,
        };
        let server = parts.build().unwrap();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move {
            let dropped = async { drop(stopped.await) };
            server.run(dropped).await.unwrap();
        });
        Self { address, clock, _stop: stop }
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Sends a query or mutation on a connection of its own.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        self.client().await.ask(query, variables).await
    }

    /// The data of an answer that must have no errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        self.client().await.data(query, variables).await
    }

    /// Creates a group in the domain `d` and answers its id.
    pub async fn create(&self, host: &str) -> String {
        let data = self.data(CREATE, json!({"hostId": host})).await;
        data["createGroup"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn join(&self, group: &str, node: &str) -> Value {
        self.ask(JOIN, json!({"g": group, "n": node})).await
    }

    /// A socket that is acknowledged, with the key in the query.
    pub async fn socket(&self) -> Socket {
        let mut socket = Socket::open(self.address, KEY).await;
        socket.init().await;
        socket
    }

    /// A socket that listens to a group of the domain `d`.
    pub async fn subscribed(&self, group: &str) -> Socket {
        let mut socket = self.socket().await;
        socket.subscribe("1", group, "d").await;
        socket
    }
}

pub const CREATE: &str = r#"mutation ($hostId: ID!, $name: String! = "n") {
    createGroup(name: $name, hostId: $hostId, domain: "d") { id } }"#;
pub const JOIN: &str = r#"mutation ($g: ID!, $n: ID!, $ws: Boolean) {
    joinGroup(groupId: $g, domain: "d", nodeId: $n, useWebSocket: $ws) { id name expiresAt } }"#;
pub const REPORT: &str = r#"mutation ($g: ID!, $n: ID!, $data: [SensorDataInput!]!) {
    reportDataByNode(groupId: $g, domain: "d", nodeId: $n, data: $data) {
        groupId domain nodeStatus { nodeId groupId domain data { key value } timestamp }
        batchEvent { firedByNodeId } groupDissolve { message } } }"#;
pub const FIRE: &str = r#"mutation ($g: ID!, $n: ID!, $events: [EventInput!]!) {
    fireEventsByNode(groupId: $g, domain: "d", nodeId: $n, events: $events) {
        groupId domain batchEvent { firedByNodeId groupId domain timestamp
            events { name payload timestamp orderKey cursor firedByNodeId groupId domain } } } }"#;
pub const RECORD: &str = r#"mutation ($g: ID!, $n: ID!, $events: [EventInput!]!) {
    recordEventsByNode(groupId: $g, domain: "d", nodeId: $n, events: $events) {
        groupId domain recordedCount nextSince } }"#;
pub const DISSOLVE: &str = r#"mutation ($g: ID!, $h: ID!) {
    dissolveGroup(groupId: $g, domain: "d", hostId: $h) { groupId domain groupDissolve { groupId domain message } } }"#;
pub const POLL: &str = r#"query ($g: ID!, $since: String!) {
    pollGroupData(groupId: $g, domain: "d", since: $since) { complete
        events { name firedByNodeId cursor timestamp payload orderKey }
        nodeStatuses { nodeId data { key value } timestamp } } }"#;
pub const EVERYTHING: &str = r"groupId domain
    nodeStatus { nodeId groupId domain data { key value } timestamp }
    batchEvent { events { name firedByNodeId groupId domain payload timestamp cursor orderKey }
        firedByNodeId groupId domain timestamp }
    groupDissolve { groupId domain message }";

/// One event as clients send it.
pub fn event(name: &str) -> Value {
    json!({"eventName": name, "firedAt": "2026-11-23T09:00:00.000Z"})
}
