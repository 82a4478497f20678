//! One open board: an update a few times a second, for as long as it takes them.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::Context;
use mesh_core::model::GroupRecord;
use mesh_core::time::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::bill::Usage;
use super::invitation::Invitation;
use super::registry::{BoardRegistry, Opened};
use super::snapshot::{Snapshot, Surroundings};
use super::update::{BoardUpdate, Lobby};
use crate::join::JoinCode;
use crate::metrics::Metrics;
use crate::realtime::hub::Hub;
use mesh_local::LocalStore;

/// The time between two updates of a board.
const INTERVAL: Duration = Duration::from_millis(500);
/// Of values, an update tells about so many; the rest comes with the next ones.
const MOST_VALUES: usize = 1_000;
/// A board that takes nothing for so long is closed; it opens again when it can.
const TAKE_TIMEOUT: Duration = Duration::from_secs(20);

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
    /// The code by which pupils come in.
    pub join: JoinCode,
    /// The address by which others in the room reach this server, as `http://192.168.1.20:4000`.
    pub base_url: String,
}

/// Opens a board: updates as JSON, of which at most one waits. None if too many boards are open.
pub fn follow(board: Arc<BoardFeed>) -> Option<mpsc::Receiver<String>> {
    let opened = board.registry.open()?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = board.registry.closed() => {}
            () = board.run(&opened, &sender) => {}
        }
    });
    Some(receiver)
}

impl BoardFeed {
    /// Sends updates until the board is gone.
    async fn run(&self, opened: &Opened, updates: &mpsc::Sender<String>) {
        let mut snapshot = Snapshot::default();
        let mut code = String::new();
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = updates.closed() => return,
            }
            let Some(update) = self.update(opened, &mut snapshot, &mut code).await else { continue };
            let Ok(json) = serde_json::to_string(&update) else { return };
            match timeout(TAKE_TIMEOUT, updates.send(json)).await {
                Ok(Ok(())) => {}
                _ => return,
            }
        }
    }

    /// The changes since the last update; none while the store cannot be read. `code` is the one that the board shows.
    async fn update(
        &self,
        opened: &Opened,
        snapshot: &mut Snapshot,
        code: &mut String,
    ) -> Option<BoardUpdate> {
        let now = self.context.now();
        let lobby = self.lobby(now.wall, code);
        let overview = self.context.store.overview(now, &snapshot.known(), MOST_VALUES).await.ok()?;
        let around = Surroundings {
            rules: &self.context.settings.lifetimes,
            listeners: &|group: &GroupRecord| self.hub.listeners(&group.key),
            invitation: &|group| Invitation::new(&self.base_url, code, Some(&group.key)),
            address_of: &|node| self.registry.addresses.address_of(node),
        };
        let mut update = snapshot.follow(&overview, opened.take(), &around);
        update.lobby = lobby;
        update.time = now.wall.as_millis();
        update.bill = Usage { metrics: &self.metrics, hub: self.hub.counts() }.bill();
        Some(update)
    }

    /// The way in for pupils, if the board shows another code or none.
    fn lobby(&self, now: Timestamp, shown: &mut String) -> Option<Lobby> {
        let code = if shown.is_empty() { self.join.for_opening_board(now) } else { self.join.current(now) };
        *shown = code.ok().filter(|code| code != shown)?;
        let invitation = Invitation::new(&self.base_url, shown, None);
        let turbowarp = Invitation::to_turbowarp(&self.base_url);
        Some(Lobby { address: self.base_url.clone(), code: shown.clone(), invitation, turbowarp })
    }
}
