//! One connection's task, from the upgrade to the close.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::limits::{REPORT_ITEMS, STATUS_BYTES, STATUS_KEYS};
use mesh_core::model::{DissolveReason, SensorData};
use mesh_core::{Error, settings};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tungstenite::protocol::frame::coding::CloseCode;

use super::projects::{Player, Projects, Refusal};
use super::protocol::{self, ClientMessage};
use crate::graphql::executor::Executor;
use crate::limits::buffers::Hold;
use crate::limits::rates::{ConnectionRate, Work};
use crate::realtime::hub::{Hub, Registered, Registration, TooManySelections};
use crate::realtime::inbound::{Event, Inbound};
use crate::realtime::outbound::{End, Outbound};
use crate::realtime::protocol::{INIT_TIMEOUT, KEEP_ALIVE_INTERVAL, MAX_MESSAGE_BYTES};
use crate::realtime::queue::Closing;
use crate::realtime::reader::{discard, read_some};
use crate::realtime::socket::Socket;

/// The least time between two reports of one player. What is set meanwhile is gathered, and the newest value of each
/// variable is reported: a project may set one in every frame.
const REPORT_INTERVAL: Duration = Duration::from_millis(50);
/// A client that says nothing for so many beats is dead: each comes with a ping.
const SILENT_BEATS: u32 = 2;

/// The parts of the server that cloud variables need.
pub struct CloudVariables {
    /// The groups of projects.
    pub projects: Projects,
    /// Registers listeners.
    pub hub: Arc<Hub>,
    /// Knows limits and lifetimes.
    pub executor: Arc<Executor>,
    /// Told when a connection was closed as too slow.
    pub too_slow: Box<dyn Fn() + Send + Sync>,
}

/// Serves an upgraded socket, that came with a right key, until it closes.
pub async fn serve<R, W>(
    cloud: Arc<CloudVariables>,
    address: IpAddr,
    rate: ConnectionRate,
    socket: Socket<R, W>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Socket { mut reader, writer, received, shared } = socket;
    let registration = cloud.hub.connect(address);
    registration.queue().share(shared);
    let hold = cloud.executor.limits.buffers.hold(address);
    let now = Instant::now();
    let mut connection = Connection {
        cloud,
        registration,
        registered: None,
        player: None,
        outbound: Outbound::new(writer),
        inbound: Inbound::new(MAX_MESSAGE_BYTES),
        address,
        rate,
        hold,
        unfinished: 0,
        unreported: Vec::new(),
        next_report: now,
        silent: 0,
        next_beat: now + INIT_TIMEOUT,
    };
    let ended = match connection.run(&mut reader, &received).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    connection.leave(&ended).await;
    if let Some((code, reason)) = ended.close(&connection.cloud) {
        connection.outbound.close(connection.registration.queue(), code, reason).await;
        discard(&mut reader).await;
    }
}

/// Why a connection is over.
enum Ended {
    Gone,
    Closing(Closing),
    Close(CloseCode, &'static str),
}

const TOO_MUCH: Ended = Ended::Close(CloseCode::Again, "too many messages or bytes, come back later");
const GROUP_ENDED: &str = "the group has ended";

impl Ended {
    /// The code and the reason that the client is told, if it is still there.
    fn close(&self, cloud: &CloudVariables) -> Option<(CloseCode, &'static str)> {
        Some(match self {
            Self::Gone => return None,
            Self::Close(code, reason) => (*code, *reason),
            Self::Closing(Closing::ServerStops) => (CloseCode::Away, "the server stops"),
            Self::Closing(Closing::GroupEnded(DissolveReason::ByTeacher)) => {
                (protocol::PROJECT_UNAVAILABLE, GROUP_ENDED)
            }
            Self::Closing(Closing::GroupEnded(_)) => (CloseCode::Away, GROUP_ENDED),
            Self::Closing(Closing::TooSlow) => {
                (cloud.too_slow)();
                (CloseCode::Again, "this connection was too slow, come back")
            }
        })
    }
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        match end {
            End::Gone => Self::Gone,
            End::Closing(why) => Self::Closing(why),
        }
    }
}

impl From<protocol::Refusal> for Ended {
    fn from((code, reason): protocol::Refusal) -> Self {
        Self::Close(code, reason)
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooMuch(_) => TOO_MUCH,
            Refusal::Operation(Error::Invalid(_)) => {
                Self::Close(protocol::OVERLOADED, "there is no room for more")
            }
            Refusal::Operation(Error::NodeNotFound(_) | Error::Protected | Error::NotHost(_)) => {
                Self::Close(protocol::PROJECT_UNAVAILABLE, "this player was removed")
            }
            Refusal::Operation(Error::Store(_) | Error::Unpublished(_)) => {
                Self::Close(CloseCode::Error, "the change was not saved")
            }
            Refusal::Operation(_) => Self::Close(CloseCode::Away, GROUP_ENDED),
        }
    }
}

struct Connection<W> {
    cloud: Arc<CloudVariables>,
    registration: Registration,
    registered: Option<Registered>,
    player: Option<Player>,
    outbound: Outbound<W>,
    inbound: Inbound,
    address: IpAddr,
    rate: ConnectionRate,
    hold: Hold,
    /// Bytes of a message that has not arrived whole.
    unfinished: usize,
    /// Variables that were set and are not reported yet, each once.
    unreported: Vec<SensorData>,
    /// When the next report may be made.
    next_report: Instant,
    /// Beats since the client's last sign of life.
    silent: u32,
    /// When the player's next heartbeat is due. Before the handshake: when that must have come.
    next_beat: Instant,
}

impl<W: AsyncWrite + Unpin> Connection<W> {
    async fn run(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        received: &[u8],
    ) -> Result<Infallible, Ended> {
        self.receive(received).await?;
        loop {
            self.outbound.flush(self.registration.queue()).await?;
            let report = (!self.unreported.is_empty()).then_some(self.next_report);
            let wake = report.map_or(self.next_beat, |report| report.min(self.next_beat));
            let mut bytes = Vec::new();
            tokio::select! {
                biased;
                () = self.registration.queue().filled() => {}
                read = read_some(reader, &mut bytes) => {
                    read.map_err(|_| Ended::Gone)?;
                    self.receive(&bytes).await?;
                }
                () = sleep_until(wake) => {}
            }
            let now = Instant::now();
            if !self.unreported.is_empty() && now >= self.next_report {
                self.report().await?;
            }
            if now >= self.next_beat {
                self.beat().await?;
            }
        }
    }

    /// Handles everything that bytes come to.
    async fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Ended> {
        self.rate.admit(0, bytes.len()).map_err(|_| TOO_MUCH)?;
        let rates = &self.cloud.executor.limits.rates;
        rates.admit(self.address, Work::Bytes, bytes.len()).map_err(|_| TOO_MUCH)?;
        self.unfinished = (self.unfinished + bytes.len()).min(MAX_MESSAGE_BYTES);
        while let Some(event) = self.inbound.next(&mut bytes, self.outbound.own()) {
            self.silent = 0;
            self.unfinished = if event == Event::Alive { self.unfinished } else { bytes.len() };
            self.rate.admit(1, 0).map_err(|_| TOO_MUCH)?;
            match event {
                Event::Alive => {}
                Event::Message(message) => self.handle(&message).await?,
                Event::Broken(code, reason) => return Err(Ended::Close(code, reason)),
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
            return Err(TOO_MUCH);
        }
        Ok(())
    }

    async fn handle(&mut self, message: &[u8]) -> Result<(), Ended> {
        let message = ClientMessage::parse(message).inspect_err(|_| {
            // The connection is closed; how often that may happen is limited all the same.
            let _ = self.cloud.executor.limits.rates.admit(self.address, Work::Garbage, 1);
        })?;
        match message {
            ClientMessage::Handshake { project, user } => self.enter(&project, &user).await,
            ClientMessage::Set(key, value) => self.set(&key, value),
            ClientMessage::Rename(from, to) => {
                let value = self.value_of(&from).await?;
                self.set(&to, Some(value))?;
                self.set(&from, Some(String::new()))
            }
            ClientMessage::Delete(key) => {
                self.value_of(&key).await?;
                // A group has no values that are gone: an empty one stands for none.
                self.set(&key, Some(String::new()))
            }
        }
    }

    async fn enter(&mut self, project: &str, user: &str) -> Result<(), Ended> {
        if self.player.is_some() {
            return Err(Ended::Close(protocol::GENERIC_ERROR, "a second handshake"));
        }
        let player = self.cloud.projects.enter(self.address, project, user).await?;
        let player = self.player.insert(player);
        // Before the values are read: what is set meanwhile comes twice rather than never.
        let registered = self.registration.listen_to_variables(player.group.clone(), player.node().clone());
        let full = |TooManySelections| Ended::Close(protocol::OVERLOADED, "the group has too many listeners");
        self.registered = Some(registered.map_err(full)?);
        let values = self.cloud.projects.values(player).await?;
        if !values.is_empty() {
            self.outbound.text(&protocol::set_messages(&values));
        }
        self.next_beat = Instant::now() + self.beat_interval();
        Ok(())
    }

    fn player(&self) -> Result<&Player, Ended> {
        self.player.as_ref().ok_or(Ended::Close(protocol::GENERIC_ERROR, "the handshake comes first"))
    }

    /// Notes a value that is to be reported. One that is none, or too large for a group, is ignored.
    fn set(&mut self, key: &str, value: Option<String>) -> Result<(), Ended> {
        self.player()?;
        let Some(value) = value.filter(|value| value.len() <= STATUS_BYTES) else { return Ok(()) };
        match self.unreported.iter_mut().find(|item| &*item.key == key) {
            Some(item) => item.value = value.into(),
            None => self.unreported.push(SensorData { key: key.into(), value: value.into() }),
        }
        let bytes: usize = self.unreported.iter().map(|item| item.key.len() + item.value.len()).sum();
        if self.unreported.len() > STATUS_KEYS || bytes > STATUS_BYTES {
            return Err(Ended::Close(protocol::OVERLOADED, "more variables than a player may have"));
        }
        Ok(())
    }

    /// The value of a variable that must be there.
    async fn value_of(&mut self, key: &str) -> Result<String, Ended> {
        if let Some(item) = self.unreported.iter().find(|item| &*item.key == key) {
            return Ok(item.value.to_string());
        }
        let values = self.cloud.projects.values(self.player()?).await?;
        let found = values.into_iter().find(|item| &*item.key == key);
        let unknown = Ended::Close(protocol::GENERIC_ERROR, "there is no such variable");
        found.map(|item| item.value.to_string()).ok_or(unknown)
    }

    /// Reports what was set.
    async fn report(&mut self) -> Result<(), Ended> {
        let Some(player) = &self.player else { return Ok(()) };
        let count = self.unreported.len().min(REPORT_ITEMS);
        let data = self.unreported[..count].to_vec();
        let pause = match self.cloud.projects.set(player, data).await {
            Err(Refusal::TooMuch(too_much)) => {
                // It stays, and newer values take its place meanwhile.
                self.next_report = Instant::now() + too_much.retry_after.max(REPORT_INTERVAL);
                return Ok(());
            }
            // As values that are none: ignored.
            Ok(()) | Err(Refusal::Operation(Error::Invalid(_))) => REPORT_INTERVAL,
            Err(refusal) => return Err(refusal.into()),
        };
        self.unreported.drain(..count);
        self.next_report = Instant::now() + pause;
        Ok(())
    }

    /// Heartbeats of the player, and a ping.
    async fn beat(&mut self) -> Result<(), Ended> {
        let Some(player) = &self.player else {
            return Err(Ended::Close(protocol::GENERIC_ERROR, "the handshake did not come in time"));
        };
        if self.silent >= SILENT_BEATS {
            return Err(Ended::Close(CloseCode::Away, "no sign of life"));
        }
        self.silent += 1;
        match self.cloud.projects.beat(player).await {
            // The next one is soon enough.
            Ok(()) | Err(Refusal::TooMuch(_)) => {}
            Err(refusal) => return Err(refusal.into()),
        }
        self.outbound.ping();
        self.next_beat = Instant::now() + self.beat_interval();
        Ok(())
    }

    fn beat_interval(&self) -> Duration {
        let lifetimes = &self.cloud.executor.context.settings.lifetimes;
        let shortest = lifetimes.host_heartbeat_interval.min(lifetimes.member_heartbeat_interval);
        settings::seconds(shortest).min(KEEP_ALIVE_INTERVAL)
    }

    /// Reports what is left, and lets the player out. When the server stops it stays: it comes back to the next one.
    async fn leave(&mut self, ended: &Ended) {
        if !self.unreported.is_empty() && !matches!(ended, Ended::Closing(Closing::GroupEnded(_))) {
            // Who is removed, or too fast, has nothing more to say.
            let _ = self.report().await;
        }
        if let Some(registered) = self.registered.take() {
            self.registration.unsubscribe(&registered);
        }
        let Some(player) = self.player.take() else { return };
        if !matches!(ended, Ended::Closing(Closing::ServerStops)) {
            // The group may have ended before.
            let _ = self.cloud.projects.leave(player).await;
        }
    }
}
