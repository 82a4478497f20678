//! A whole connection, as steps: what a client sends and in which pieces, what is reported meanwhile, and pauses.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mesh_server::board::BoardRegistry;
use mesh_server::graphql::engine::Engine;
use mesh_server::graphql::executor::Executor;
use mesh_server::keys::ApiKeys;
use mesh_server::limits::Limits;
use mesh_server::limits::memory::MemoryLimits;
use mesh_server::limits::rates::RateLimits;
use mesh_server::metrics::Metrics;
use mesh_server::realtime::connection::{Realtime, Upgrade, UpgradeKey, serve};
use mesh_server::realtime::hub::Hub;
use mesh_server::realtime::protocol::Protocol;
use mesh_server::realtime::socket::Socket;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::time::sleep;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocketContext};
use tungstenite::{Error, Message};

use crate::classroom::{Classroom, block_on};

/// The key that serves.
const KEY: &str = "key";
/// The beginning of each value that is reported, before its number.
const NUMBER: &str = "number ";
/// The most steps of one run: each may be a pause of minutes.
const MAX_STEPS: usize = 64;

thread_local! {
    /// Made once: that takes longer than a run.
    static ENGINE: Cell<Option<Engine>> = const { Cell::new(None) };
}

/// What happens next.
enum Step<'a> {
    /// The client sends bytes.
    Bytes(&'a [u8]),
    /// The client sends a text message.
    Text(&'a [u8]),
    /// The client sends a text message in two frames, with a ping between them.
    Parts(&'a [u8]),
    /// The host reports the next number.
    Report,
    /// So many seconds go by.
    Pause(u64),
}

impl<'a> Step<'a> {
    /// Takes a step out of bytes: its kind, its length in two bytes, and its own bytes.
    fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_le_bytes([header[1], header[2]]));
        let (own, rest) = rest.split_at(length.min(rest.len()));
        *bytes = rest;
        Some(match header[0] % 5 {
            0 => Self::Bytes(own),
            1 => Self::Text(own),
            2 => Self::Parts(own),
            3 => Self::Report,
            _ => Self::Pause(length as u64),
        })
    }
}

/// Whatever a client sends, it gets frames by the rules, messages by the protocol, and every number that is
/// reported while it listens; nothing of it stays in the hub.
pub fn check(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let key = [UpgradeKey::Right, UpgradeKey::Missing, UpgradeKey::Wrong][usize::from(kind % 3)];
    let pipe = [4_096, 7, 1 << 16][usize::from(kind / 3 % 3)];
    let protocol = [Protocol::AppSync, Protocol::TransportWs][usize::from(kind / 9 % 2)];
    block_on(async {
        let hub = Arc::<Hub>::default();
        let room = Classroom::new(hub.clone()).await;
        let (ours, theirs) = duplex(pipe);
        let executor = executor(&room);
        let served = tokio::spawn(connection(executor.clone(), hub.clone(), protocol, key, ours));
        let (reader, writer) = split(theirs);
        let (received, ()) = tokio::join!(read(reader), play(bytes, &room, writer));
        served.await.expect("a connection does not panic");
        ENGINE.set(Arc::into_inner(executor).map(|executor| executor.engine));
        Heard::of(protocol).hear_all(&received);
        let counts = hub.counts();
        assert_eq!((counts.connections, counts.subscriptions, counts.waiting_bytes), (0, 0, 0));
    });
}

fn executor(room: &Classroom) -> Arc<Executor> {
    Arc::new(Executor {
        context: room.home.context.clone(),
        engine: ENGINE.take().unwrap_or_else(|| Engine::new().expect("the schema is valid")),
        observer: Arc::<BoardRegistry>::default(),
        limits: Arc::new(Limits::new(RateLimits::OFF, MemoryLimits::default())),
        metrics: Arc::new(Metrics::new()),
    })
}

async fn connection(
    executor: Arc<Executor>,
    hub: Arc<Hub>,
    protocol: Protocol,
    key: UpgradeKey,
    socket: DuplexStream,
) {
    let upgrade = Upgrade {
        protocol,
        key,
        address: Ipv4Addr::LOCALHOST.into(),
        rate: executor.limits.rates.connection(),
        without_key: None,
    };
    let keys = Arc::new(ApiKeys::new(vec![KEY.into()]));
    let realtime = Realtime { executor, hub, keys, too_slow: Box::new(|| ()) };
    let (reader, writer) = split(socket);
    serve(Arc::new(realtime), upgrade, Socket::new(reader, writer, Bytes::new())).await;
}

/// Plays the steps, and closes the client's side.
async fn play(mut bytes: &[u8], room: &Classroom, mut writer: WriteHalf<DuplexStream>) {
    let mut number = 0;
    for _ in 0..MAX_STEPS {
        let Some(step) = Step::take(&mut bytes) else { break };
        let sent = match step {
            Step::Bytes(bytes) => bytes.to_vec(),
            Step::Text(text) => frame(OpCode::Data(Data::Text), &named(room, text), true),
            Step::Parts(text) => {
                let text = named(room, text);
                let (begin, end) = text.split_at(text.len() / 2);
                let begin = frame(OpCode::Data(Data::Text), begin, false);
                [begin, masked(Frame::ping("p")), frame(OpCode::Data(Data::Continue), end, true)].concat()
            }
            Step::Report => {
                number += 1;
                let value = format!("{NUMBER}{number}");
                // The client may have ended the group.
                let _ = room.home.report(&room.group, "host", &[("n", &value)]).await;
                continue;
            }
            Step::Pause(seconds) => {
                sleep(Duration::from_secs(seconds)).await;
                continue;
            }
        };
        // A connection that the server has closed takes no more.
        if writer.write_all(&sent).await.is_err() {
            break;
        }
    }
    let _ = writer.shutdown().await;
}

/// The text that names the group of this run, if it is one.
fn named(room: &Classroom, text: &[u8]) -> Vec<u8> {
    std::str::from_utf8(text).map_or_else(|_| text.to_vec(), |text| room.naming_group(text).into_bytes())
}

fn frame(code: OpCode, payload: &[u8], is_final: bool) -> Vec<u8> {
    masked(Frame::message(payload.to_vec(), code, is_final))
}

fn masked(mut frame: Frame) -> Vec<u8> {
    frame.header_mut().mask = Some([1, 2, 3, 4]);
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

async fn read(mut reader: ReadHalf<DuplexStream>) -> Vec<u8> {
    let mut received = Vec::new();
    // What came before an error counts.
    let _ = reader.read_to_end(&mut received).await;
    received
}

/// What a client knows from what it heard.
struct Heard {
    protocol: Protocol,
    /// Subscriptions that were acknowledged and have not ended.
    live: HashSet<String>,
    /// The number that each of them heard last.
    numbers: HashMap<String, u64>,
}

impl Heard {
    fn of(protocol: Protocol) -> Self {
        Self { protocol, live: HashSet::new(), numbers: HashMap::new() }
    }

    fn hear_all(&mut self, received: &[u8]) {
        let mut context = WebSocketContext::new(Role::Client, None);
        let mut wire = Wire(received);
        loop {
            match context.read(&mut wire) {
                Ok(Message::Text(text)) => self.hear(&serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Close(_)) => return assert!(wire.0.is_empty(), "nothing follows a close"),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return,
                other => panic!("a server sends no such frame: {other:?}"),
            }
        }
    }

    fn hear(&mut self, message: &Value) {
        let id = || message["id"].as_str().expect("an id").to_owned();
        match (self.protocol, message["type"].as_str().expect("a type")) {
            (_, "connection_ack")
            | (Protocol::AppSync, "connection_error" | "ka")
            | (Protocol::TransportWs, "ping" | "pong") => {}
            (Protocol::TransportWs, "next") => self.hear_number(id(), message),
            (Protocol::TransportWs, "complete" | "error") => drop(self.numbers.remove(&id())),
            (Protocol::AppSync, "error") => {
                assert!(message["payload"]["errors"][0]["message"].is_string(), "{message}");
            }
            (Protocol::AppSync, "start_ack") => assert!(self.live.insert(id()), "{message}"),
            (Protocol::AppSync, "complete") => {
                // A client may end what has not begun.
                self.live.remove(&id());
                self.numbers.remove(&id());
            }
            (Protocol::AppSync, "data") => {
                let id = id();
                assert!(self.live.contains(&id), "{message}");
                self.hear_number(id, message);
            }
            _ => panic!("no message of the protocol: {message}"),
        }
    }

    /// Numbers rise, where the subscription shows them under their own names: by one, unless a client ends a
    /// subscription unasked and begins it again.
    fn hear_number(&mut self, id: String, message: &Value) {
        let text = &message["payload"]["data"]["onMessageInGroup"]["nodeStatus"]["data"][0]["value"];
        let Some(number) = text.as_str().and_then(|text| text.strip_prefix(NUMBER)?.parse().ok()) else {
            return;
        };
        let last = self.numbers.insert(id, number);
        assert!(
            last.is_none_or(
                |last| last + 1 == number || self.protocol == Protocol::TransportWs && last < number
            ),
            "{message} after {last:?}"
        );
    }
}

/// What was received, to be read once.
struct Wire<'a>(&'a [u8]);

impl io::Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        io::Read::read(&mut self.0, buffer)
    }
}

impl io::Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
