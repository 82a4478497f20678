//! One open board: a frame a few times a second, for as long as it takes them.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::Context;
use mesh_core::model::GroupRecord;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Attendance;
use super::bill::Usage;
use super::frame::Frame;
use super::invitation::Invitation;
use super::picture::{Picture, Surroundings};
use super::watch::{Opened, Watch};
use crate::keys::ApiKeys;
use crate::metrics::Metrics;
use crate::realtime::hub::Hub;
use mesh_local::LocalStore;

/// How often a board is told what changed.
const INTERVAL: Duration = Duration::from_millis(500);
/// A board that takes nothing for so long is closed; it opens again when it can.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a board is told of.
pub struct Follow {
    /// Groups, and what time it is.
    pub context: Arc<Context<LocalStore>>,
    /// Who listens.
    pub hub: Arc<Hub>,
    /// Who came from where.
    pub attendance: Attendance,
    /// What was counted.
    pub metrics: Arc<Metrics>,
    /// The pupils' keys; the first is in invitations.
    pub keys: Arc<ApiKeys>,
    /// The address by which others in the room reach this server, as `http://192.168.1.20:4000`.
    pub home: String,
}

/// Opens a board: frames as JSON, of which at most one waits. None if too many boards are open.
pub fn follow(watch: &Arc<Watch>, board: Arc<Follow>) -> Option<mpsc::Receiver<String>> {
    let opened = watch.open()?;
    let (sender, receiver) = mpsc::channel(1);
    let watch = watch.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = watch.closed() => {}
            () = board.run(&opened, &sender) => {}
        }
    });
    Some(receiver)
}

impl Follow {
    /// Sends frames until the board is gone.
    async fn run(&self, opened: &Opened, frames: &mpsc::Sender<String>) {
        let mut picture = Picture::default();
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = frames.closed() => return,
            }
            let Some(frame) = self.frame(opened, &mut picture).await else { continue };
            let Ok(json) = serde_json::to_string(&frame) else { return };
            match timeout(PATIENCE, frames.send(json)).await {
                Ok(Ok(())) => {}
                _ => return,
            }
        }
    }

    /// What changed; none while the store cannot be read.
    async fn frame(&self, opened: &Opened, picture: &mut Picture) -> Option<Frame> {
        let now = self.context.now();
        let overview = self.context.store.overview(now, &picture.known()).await.ok()?;
        let around = Surroundings {
            rules: &self.context.settings.lifetimes,
            lines: &|group: &GroupRecord| self.hub.lines(&group.key),
            address_of: &|node| self.attendance.address_of(node),
            invitation: &|group| Invitation::new(&self.home, self.keys.first(), group.key.domain.as_str()),
        };
        let mut frame = picture.follow(&overview, opened.take(), &around);
        frame.time = now.wall.as_millis();
        frame.bill = Usage { metrics: &self.metrics, hub: self.hub.counts() }.bill();
        Some(frame)
    }
}
