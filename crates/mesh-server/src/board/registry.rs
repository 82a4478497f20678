//! The boards that are open, and what they wait to be told.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mesh_appsync::Call;
use mesh_core::id::Id;
use mesh_core::model::{BatchEvent, Content, DissolveReason, MeshMessage};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::node_addresses::NodeAddresses;
use super::update::EventLine;
use crate::observer::Observer;

/// More boards than this are refused.
const MOST_BOARDS: usize = 8;
/// Of events, the newest so many wait for a board: more cannot be read in the time between two updates.
pub(super) const MOST_EVENTS: usize = 60;
/// Of groups that ended, so many.
const WAITING_ENDS: usize = 1_000;

/// The open boards, and where nodes came from.
#[derive(Default)]
pub struct BoardRegistry {
    is_watched: AtomicBool,
    boards: Mutex<Vec<Arc<Board>>>,
    pub(super) addresses: NodeAddresses,
    closed: AtomicBool,
    closing: Notify,
}

/// An open board, closed when dropped.
pub(super) struct Opened {
    registry: Arc<BoardRegistry>,
    board: Arc<Board>,
}

#[derive(Default)]
struct Board(Mutex<Activity>);

/// Everything that happened since a board was told last.
#[derive(Default)]
pub(super) struct Activity {
    /// Messages of each group.
    pub(super) messages: HashMap<Id, u32>,
    /// Events with their groups, oldest first.
    pub(super) events: VecDeque<(Id, EventLine)>,
    /// The number of events besides.
    pub(super) more_events: u32,
    /// Groups that ended, and why.
    pub(super) ended: Vec<(Id, DissolveReason)>,
}

impl BoardRegistry {
    /// Opens a board; none if there are too many.
    pub(super) fn open(self: &Arc<Self>) -> Option<Opened> {
        let mut boards = self.boards.lock();
        if boards.len() >= MOST_BOARDS || self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let board = Arc::<Board>::default();
        boards.push(board.clone());
        self.is_watched.store(true, Ordering::Relaxed);
        Some(Opened { registry: self.clone(), board })
    }

    /// Returns `true` while a board is open.
    pub fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Relaxed)
    }

    /// Ends all boards, because the server stops.
    pub fn close_all(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.closing.notify_waiters();
    }

    /// Waits until boards are to end.
    pub(super) async fn closed(&self) {
        let closing = self.closing.notified();
        if !self.closed.load(Ordering::Relaxed) {
            closing.await;
        }
    }
}

impl Observer for BoardRegistry {
    fn called(&self, call: &Call, from: IpAddr) {
        // Noted while no board is open, too: the first one shows nodes that came before it.
        match call {
            Call::JoinGroup(join) => self.addresses.note(&join.node_id, from),
            Call::CreateGroup(create) => self.addresses.note(&create.host_id, from),
            _ => {}
        }
    }

    fn published(&self, message: &MeshMessage) {
        if !self.is_watched.load(Ordering::Relaxed) {
            return;
        }
        for board in &*self.boards.lock() {
            board.0.lock().note(message);
        }
    }
}

impl Opened {
    /// Takes everything that happened since the last call.
    pub(super) fn take(&self) -> Activity {
        std::mem::take(&mut self.board.0.lock())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut boards = self.registry.boards.lock();
        boards.retain(|board| !Arc::ptr_eq(board, &self.board));
        self.registry.is_watched.store(!boards.is_empty(), Ordering::Relaxed);
    }
}

impl Activity {
    pub(super) fn note(&mut self, message: &MeshMessage) {
        *self.messages.entry(message.group.id.clone()).or_default() += 1;
        match &message.content {
            Content::BatchEvent(batch) => self.note_events(batch),
            Content::GroupDissolve(end) if self.ended.len() < WAITING_ENDS => {
                self.ended.push((message.group.id.clone(), end.reason));
            }
            Content::NodeStatus(_) | Content::GroupDissolve(_) => {}
        }
    }

    /// Keeps what a board shows of the newest events, and nothing of the rest: a board that is not read
    /// must not hold on to whole calls.
    fn note_events(&mut self, batch: &BatchEvent) {
        let skipped = batch.events.len().saturating_sub(MOST_EVENTS);
        let lines = batch.events[skipped..].iter().map(|event| EventLine::new(batch, event));
        self.events.extend(lines.map(|line| (batch.group.id.clone(), line)));
        let too_many = self.events.len().saturating_sub(MOST_EVENTS);
        self.events.drain(..too_many);
        let left_out = u32::try_from(skipped + too_many).unwrap_or(u32::MAX);
        self.more_events = self.more_events.saturating_add(left_out);
    }
}
