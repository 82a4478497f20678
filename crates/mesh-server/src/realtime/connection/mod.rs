//! One connection's task, from the upgrade to the close: what the protocols share. Each handles its messages in
//! a file of its own.

mod appsync;
mod transport_ws;

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tungstenite::protocol::frame::coding::CloseCode;

use crate::graphql::executor::Executor;
use crate::graphql::request::Request;
use crate::keys::ApiKeys;
use crate::limits::answers::Meter;
use crate::limits::buffers::Hold;
use crate::limits::connections::Admitted;
use crate::limits::rates::{ConnectionRate, Work};
use crate::realtime::hub::{Hub, Registered, Registration, TooManySelections};
use crate::realtime::inbound::{Event, Inbound};
use crate::realtime::outbound::{End, Outbound};
use crate::realtime::protocol::{self, Framing, Protocol, Refusal};
use crate::realtime::queue::Closing;
use crate::realtime::reader::{discard, read_some};
use crate::realtime::socket::Socket;

/// A client that says nothing for so many keep-alives is dead: each comes with a ping.
const SILENT_KEEP_ALIVES: u32 = 2;

/// The parts of the server that realtime connections need.
pub struct Realtime {
    /// Reads subscriptions.
    pub executor: Arc<Executor>,
    /// Registers them.
    pub hub: Arc<Hub>,
    /// The keys that serve.
    pub keys: Arc<ApiKeys>,
    /// Told when a connection was closed as too slow.
    pub too_slow: Box<dyn Fn() + Send + Sync>,
}

/// The key that came with the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeKey {
    /// None: every `start` must bring one.
    Missing,
    /// A right one, which serves starts that bring none.
    Right,
    /// A wrong one, or something that cannot be read.
    Wrong,
}

/// The facts that are known of a connection before its first message.
pub struct Upgrade {
    /// The protocol that both sides agreed upon.
    pub protocol: Protocol,
    /// The key that came with it.
    pub key: UpgradeKey,
    /// The address that it comes from.
    pub address: IpAddr,
    /// The limits of the connection.
    pub rate: ConnectionRate,
    /// Counts it among those that have not shown a right key.
    pub without_key: Option<Admitted>,
}

/// A client that has not shown a right key yet, and may do little.
struct WithoutKey {
    frames: u32,
    until: Instant,
    _admitted: Option<Admitted>,
}

/// The code and the reason with which a connection is closed.
struct Close(CloseCode, &'static str);

const TOO_MUCH: Close = Close(CloseCode::Again, "too many messages or bytes, come back later");

/// Serves an upgraded socket until it closes.
pub async fn serve<R, W>(realtime: Arc<Realtime>, upgrade: Upgrade, socket: Socket<R, W>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Socket { mut reader, writer, received, shared } = socket;
    let registration = realtime.hub.connect(upgrade.address);
    registration.queue().share(shared);
    let (most, without_key) = if upgrade.key == UpgradeKey::Right {
        (protocol::MAX_MESSAGE_BYTES, None)
    } else {
        let until = Instant::now() + protocol::KEY_TIMEOUT;
        let without_key = WithoutKey { frames: 0, until, _admitted: upgrade.without_key };
        (protocol::MAX_MESSAGE_BYTES_WITHOUT_KEY, Some(without_key))
    };
    let hold = realtime.executor.limits.buffers.hold(upgrade.address);
    let mut connection = Connection {
        realtime,
        registration,
        protocol: upgrade.protocol,
        key: upgrade.key,
        outbound: Outbound::new(writer),
        inbound: Inbound::new(most),
        address: upgrade.address,
        rate: upgrade.rate,
        without_key,
        unfinished: 0,
        hold,
        subscriptions: HashMap::new(),
        next_number: 0,
        initialised: false,
        garbage_frames: 0,
        silent: 0,
        next_tick: Instant::now() + protocol::INIT_TIMEOUT,
    };
    let ended = connection.run(&mut reader, received).await;
    let close = match ended {
        Ended::Gone => return,
        Ended::Close(close) => close,
        Ended::Closing(Closing::ServerStops) => Close(CloseCode::Away, "the server stops"),
        Ended::Closing(Closing::GroupEnded(_)) => Close(CloseCode::Away, "the group has ended"),
        Ended::Closing(Closing::TooSlow) => {
            (connection.realtime.too_slow)();
            Close(CloseCode::Again, "this connection was too slow, come back and catch up")
        }
    };
    connection.unsubscribe_all();
    connection.outbound.close(connection.registration.queue(), close.0, close.1).await;
    discard(&mut reader).await;
}

enum Ended {
    Gone,
    Close(Close),
    Closing(Closing),
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        match end {
            End::Gone => Self::Gone,
            End::Closing(why) => Self::Closing(why),
        }
    }
}

impl From<Close> for Ended {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

struct Connection<W> {
    realtime: Arc<Realtime>,
    registration: Registration,
    protocol: Protocol,
    key: UpgradeKey,
    outbound: Outbound<W>,
    inbound: Inbound,
    address: IpAddr,
    rate: ConnectionRate,
    without_key: Option<WithoutKey>,
    /// Bytes of a message that has not arrived whole.
    unfinished: usize,
    hold: Hold,
    subscriptions: HashMap<String, Registered>,
    next_number: u64,
    initialised: bool,
    garbage_frames: u32,
    /// Keep-alives since the client's last sign of life.
    silent: u32,
    next_tick: Instant,
}

impl<W: AsyncWrite + Unpin> Connection<W> {
    async fn run(&mut self, reader: &mut (impl AsyncRead + Unpin), received: Bytes) -> Ended {
        match self.serve(reader, &received).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn serve(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        received: &[u8],
    ) -> Result<std::convert::Infallible, Ended> {
        self.receive(received).await?;
        // One timer for the life of the connection: setting one for each message costs more than the rest.
        let mut tick = pin!(sleep_until(self.next_tick));
        loop {
            self.outbound.flush(self.registration.queue()).await?;
            if tick.deadline() != self.next_tick {
                tick.as_mut().reset(self.next_tick);
            }
            let mut bytes = Vec::new();
            tokio::select! {
                biased;
                () = self.registration.queue().filled() => {}
                read = read_some(reader, &mut bytes) => {
                    read.map_err(|_| Ended::Gone)?;
                    self.receive(&bytes).await?;
                }
                () = &mut tick => self.tick()?,
            }
        }
    }

    /// Handles everything that bytes come to.
    async fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Ended> {
        self.rate.admit(0, bytes.len()).map_err(|_| TOO_MUCH)?;
        self.unfinished = (self.unfinished + bytes.len()).min(protocol::MAX_MESSAGE_BYTES);
        while let Some(event) = self.inbound.next(&mut bytes, self.outbound.own()) {
            self.silent = 0;
            // A ping may stand between the parts of a message.
            self.unfinished = if event == Event::Alive { self.unfinished } else { bytes.len() };
            self.rate.admit(1, 0).map_err(|_| TOO_MUCH)?;
            if let Some(without_key) = &mut self.without_key {
                without_key.frames += 1;
                if without_key.frames > protocol::MAX_FRAMES_WITHOUT_KEY {
                    return Err(Close(CloseCode::Policy, "a right key must come first").into());
                }
            }
            match event {
                Event::Alive => {}
                Event::Message(message) => self.handle(message).await?,
                Event::Broken(code, reason) => return Err(Close(code, reason).into()),
                Event::Closed => {
                    // The answer is among the connection's own frames.
                    self.outbound.finish(self.registration.queue()).await;
                    return Err(Ended::Gone);
                }
            }
        }
        if self.unfinished == 0 {
            self.hold.release();
        } else if self.hold.grow_to(self.unfinished).is_err() {
            return Err(Close(CloseCode::Again, "too many bytes are on their way, come back later").into());
        }
        Ok(())
    }

    /// Counts what is parsed and written for the client.
    fn meter(&self) -> Meter<'_> {
        self.realtime.executor.limits.rates.meter(self.address, &self.rate)
    }

    /// Counts a message that nothing can be done with.
    fn garbage(&self) -> Result<(), Close> {
        let admitted = self.realtime.executor.limits.rates.admit(self.address, Work::Garbage, 1);
        admitted.map_err(|_| TOO_MUCH)
    }

    async fn handle(&mut self, frame: Bytes) -> Result<(), Ended> {
        match self.protocol {
            Protocol::AppSync => self.handle_appsync(frame).await,
            Protocol::TransportWs => self.handle_transport_ws(frame).await,
        }
    }

    /// When there is something to do next by time alone.
    fn until_next_tick(&self) -> Instant {
        let keep_alive = Instant::now() + protocol::KEEP_ALIVE_INTERVAL;
        self.without_key.as_ref().map_or(keep_alive, |without_key| keep_alive.min(without_key.until))
    }

    /// The client has shown a right key.
    fn trust(&mut self) {
        if self.without_key.take().is_some() {
            self.inbound.allow(protocol::MAX_MESSAGE_BYTES);
        }
    }

    /// Registers a subscription of an id that is not in use. `framing` is what its protocol writes around
    /// messages, given the key of its answer.
    fn subscribe(
        &mut self,
        id: String,
        request: &Request<'_>,
        framing: fn(&str, &str) -> Framing,
    ) -> Result<(), Vec<Refusal>> {
        if self.subscriptions.len() >= protocol::MAX_SUBSCRIPTIONS {
            return Err(vec![Refusal::TOO_MANY]);
        }
        let subscription = self.realtime.executor.engine.subscription(request);
        let subscription =
            subscription.map_err(|errors| errors.iter().map(Refusal::from).collect::<Vec<_>>())?;
        let number = self.next_number;
        self.next_number += 1;
        let framing = framing(&id, &subscription.key);
        let registered =
            self.registration.subscribe(subscription.group, subscription.selection, framing, number);
        let registered = registered.map_err(|TooManySelections| vec![Refusal::TOO_MANY_SELECTIONS])?;
        self.subscriptions.insert(id, registered);
        Ok(())
    }

    /// Ends a subscription, if there is one of this id.
    fn unsubscribe(&mut self, id: &str) {
        if let Some(registered) = self.subscriptions.remove(id) {
            self.registration.unsubscribe(&registered);
        }
    }

    fn tick(&mut self) -> Result<(), Close> {
        if !self.initialised {
            return Err(Close(self.protocol.init_timeout_code(), "connection_init did not come in time"));
        }
        if self.without_key.as_ref().is_some_and(|without_key| without_key.until <= Instant::now()) {
            return Err(Close(CloseCode::Policy, "no right key came in time"));
        }
        if self.silent >= SILENT_KEEP_ALIVES {
            return Err(Close(CloseCode::Away, "no sign of life"));
        }
        self.silent += 1;
        match self.protocol {
            Protocol::AppSync => self.outbound.text(protocol::appsync::KEEP_ALIVE.as_bytes()),
            // A ping of WebSocket's own is enough.
            Protocol::TransportWs => {}
        }
        self.outbound.ping();
        self.next_tick = self.until_next_tick();
        Ok(())
    }

    fn unsubscribe_all(&mut self) {
        for (_, registered) in self.subscriptions.drain() {
            self.registration.unsubscribe(&registered);
        }
    }
}

impl<W> Drop for Connection<W> {
    fn drop(&mut self) {
        for registered in self.subscriptions.values() {
            self.registration.unsubscribe(registered);
        }
    }
}
