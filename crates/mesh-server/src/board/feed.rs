//! One open board: an update a few times a second, for as long as it takes them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use mesh_core::Context;
use mesh_core::id::Id;
use mesh_core::model::GroupRecord;
use mesh_core::time::Timestamp;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::bill::Usage;
use super::invitation::Invitation;
use super::registry::{BoardRegistry, OpenBoard};
use super::snapshot::{Snapshot, Surroundings};
use super::update::{BoardUpdate, Lobby};
use crate::join::JoinCode;
use crate::limits::buffers::Buffers;
use crate::metrics::Metrics;
use crate::realtime::hub::Hub;
use mesh_local::LocalStore;

/// The time between two updates of a board.
const INTERVAL: Duration = Duration::from_millis(500);
/// Of values, an update tells about so many; the rest comes with the next ones.
const MOST_VALUES: usize = 500;

/// The parts of the server that a board is told of.
pub struct BoardFeed {
    /// Groups, and what time it is.
    pub context: Arc<Context<LocalStore>>,
    /// Knows the listeners.
    pub hub: Arc<Hub>,
    /// The open boards, of which this is one.
    pub registry: Arc<BoardRegistry>,
    /// Counts requests.
    pub metrics: Arc<Metrics>,
    /// Counts the bytes of updates on their way.
    pub buffers: Arc<Buffers>,
    /// The code by which pupils come in.
    pub join: JoinCode,
    /// The address by which others in the room reach this server, as `http://192.168.1.20:4000`.
    pub base_url: String,
}

/// One board, while it is open.
struct Following {
    feed: Arc<BoardFeed>,
    board: OpenBoard,
    /// Who takes its updates.
    address: IpAddr,
    snapshot: Snapshot,
    /// The code that it shows.
    code: String,
    ticks: Interval,
}

/// Opens a board: updates as server-sent events. Each is made when the connection has room for it, which is while
/// less than 64 KB wait there: a board that does not read costs these and one update, until its connection is cut. None
/// if too many boards are open.
pub fn follow(feed: Arc<BoardFeed>, address: IpAddr) -> Option<impl Stream<Item = Bytes> + Send> {
    let board = feed.registry.open()?;
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let following =
        Following { feed, board, address, snapshot: Snapshot::default(), code: String::new(), ticks };
    Some(unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((event, following))
    }))
}

impl Following {
    /// The next update: in time, or at once when another group is opened. None at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {}
                () = self.board.another_group() => {}
                () = self.feed.registry.closed() => return None,
            }
            if let Some(update) = self.update().await {
                return self.event(&update);
            }
        }
    }

    /// An update as an event, whose bytes count until they have left; none if there is no room for them.
    fn event(&self, update: &BoardUpdate) -> Option<Bytes> {
        let mut event = b"data: ".to_vec();
        serde_json::to_writer(&mut event, update).ok()?;
        event.extend_from_slice(b"\n\n");
        event.shrink_to_fit();
        let mut hold = self.feed.buffers.hold(self.address);
        hold.grow_to(event.len()).ok()?;
        Some(hold.keep_with(event))
    }

    /// The changes since the last update; none while the store cannot be read.
    async fn update(&mut self) -> Option<BoardUpdate> {
        let feed = &self.feed;
        let now = feed.context.now();
        let lobby = feed.lobby(now.wall, &mut self.code);
        let (opened, known) = (self.board.group(), |id: &Id| self.snapshot.known(id));
        let overview = feed.context.store.overview(now, opened.as_ref(), known, MOST_VALUES).await.ok()?;
        let around = Surroundings {
            rules: &feed.context.settings.lifetimes,
            listeners: &|group: &GroupRecord| feed.hub.listeners(&group.key),
            invitation: &|group| Invitation::new(&feed.base_url, &self.code, Some(&group.key)),
            address_of: &|node| feed.registry.addresses.address_of(node),
        };
        let mut update = self.snapshot.follow(&overview, self.board.take(), &around);
        update.board = self.board.number();
        update.lobby = lobby;
        update.time = now.wall.as_millis();
        update.bill = Usage { metrics: &feed.metrics, hub: feed.hub.counts() }.bill();
        Some(update)
    }
}

impl BoardFeed {
    /// The way in for pupils, if the board shows another code or none.
    fn lobby(&self, now: Timestamp, shown: &mut String) -> Option<Lobby> {
        let code = if shown.is_empty() { self.join.for_opening_board(now) } else { self.join.current(now) };
        *shown = code.ok().filter(|code| code != shown)?;
        let invitation = Invitation::new(&self.base_url, shown, None);
        let turbowarp = Invitation::to_turbowarp(&self.base_url);
        Some(Lobby { address: self.base_url.clone(), code: shown.clone(), invitation, turbowarp })
    }
}
