//! The boards that are open, and what they wait to be told.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mesh_appsync::Call;
use mesh_core::id::Id;
use mesh_core::model::{BatchEvent, Content, DissolveReason, MeshMessage};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

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
    /// The number of boards that were opened so far.
    opened: AtomicU64,
    pub(super) addresses: NodeAddresses,
    closed: AtomicBool,
    closing: Notify,
}

/// An open board, closed when dropped.
pub(super) struct OpenBoard {
    registry: Arc<BoardRegistry>,
    board: Arc<Board>,
    group: watch::Receiver<Option<Id>>,
}

struct Board {
    number: u64,
    activity: Mutex<Activity>,
    /// The group whose values it shows.
    group: watch::Sender<Option<Id>>,
}

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
    pub(super) fn open(self: &Arc<Self>) -> Option<OpenBoard> {
        let mut boards = self.boards.lock();
        if boards.len() >= MOST_BOARDS || self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let (sender, group) = watch::channel(None);
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let board = Arc::new(Board { number, activity: Mutex::default(), group: sender });
        boards.push(board.clone());
        self.is_watched.store(true, Ordering::Relaxed);
        Some(OpenBoard { registry: self.clone(), board, group })
    }

    /// Opens a group on a board, or none. Returns `false` if there is no such board.
    pub fn open_group(&self, board: u64, group: Option<Id>) -> bool {
        let boards = self.boards.lock();
        let Some(board) = boards.iter().find(|open| open.number == board) else { return false };
        board.group.send_if_modified(|opened| {
            let is_another = *opened != group;
            *opened = group;
            is_another
        });
        true
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
            board.activity.lock().note(message);
        }
    }
}

impl OpenBoard {
    /// By which [`BoardRegistry::open_group`] knows it.
    pub(super) fn number(&self) -> u64 {
        self.board.number
    }

    /// The group that is opened on it.
    pub(super) fn group(&mut self) -> Option<Id> {
        self.group.borrow_and_update().clone()
    }

    /// Waits until another group is opened on it.
    pub(super) async fn another_group(&mut self) {
        // The board has the other end.
        let _ = self.group.changed().await;
    }

    /// Takes everything that happened since the last call.
    pub(super) fn take(&self) -> Activity {
        std::mem::take(&mut self.board.activity.lock())
    }
}

impl Drop for OpenBoard {
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
