//! The listeners of all groups, and publishing to them.

mod dispatching;
mod publishing;
mod registration;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_appsync::selection::Selection;
use mesh_core::id::{GroupKey, Id};

use crate::limits::memory::MemoryLimits;
use crate::realtime::protocol::Framing;
use crate::realtime::queue::{Closing, Queue};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, RwLock};
use dispatching::{Dispatcher, Pace};
pub use registration::{Registered, Registration, TooManySelections};

/// The registry of connections and of their subscriptions.
pub struct Hub {
    /// When more bytes wait in all queues, each queue may hold its fair share of them and no more.
    most_waiting: usize,
    groups: RwLock<HashMap<GroupKey, Arc<Listeners>>>,
    connections: Mutex<HashMap<u64, Connected>>,
    dispatcher: Dispatcher,
    next_connection: AtomicU64,
    next_class: AtomicU64,
    /// Bytes of all messages that wait in any queue, each message counted once.
    waiting: Arc<AtomicUsize>,
    open: AtomicUsize,
    subscriptions: AtomicU64,
    deliveries: AtomicU64,
    steps: AtomicU64,
    sent_bytes: AtomicU64,
    /// Connections and subscriptions begun.
    operations: AtomicU64,
    /// Milliseconds of the connections that have closed.
    connected_before: AtomicU64,
}

struct Connected {
    queue: Arc<Queue>,
    since: Instant,
}

/// The listeners of one group, by what they are shown: subscriptions with the same selection share
/// the bytes of a message.
#[derive(Default)]
struct Listeners {
    classes: RwLock<Vec<Class>>,
    pace: Mutex<Pace>,
}

struct Class {
    /// Rises among the classes of a group, from 1.
    number: u64,
    view: View,
    subscribers: Vec<Subscriber>,
}

/// What subscribers are shown of the messages of a group.
#[derive(PartialEq)]
enum View {
    /// The fields that they selected.
    Selection {
        selection: Selection,
        /// True if it shows fields more than once, and so may make much of a message.
        repeats_fields: bool,
    },
    /// Values as Scratch's cloud variables, but each node's own.
    CloudVariables,
}

struct Subscriber {
    connection: u64,
    address: IpAddr,
    /// Unique among the subscriptions of its connection.
    number: u64,
    queue: Arc<Queue>,
    framing: Framing,
    /// The node whose own values it is not shown.
    node: Option<Id>,
}

/// A connection that listens to a group.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// The address that it comes from.
    pub address: IpAddr,
    /// Bytes that wait for it.
    pub waiting_bytes: usize,
}

/// The counts of the hub.
#[derive(Clone, Copy, Debug, Default)]
pub struct HubCounts {
    /// Open WebSockets.
    pub connections: usize,
    /// Registered subscriptions.
    pub subscriptions: u64,
    /// Messages handed to connections so far, one for each subscription.
    pub deliveries: u64,
    /// The same as AppSync counts them: once for each step of their size.
    pub steps: u64,
    /// Bytes of these messages.
    pub sent_bytes: u64,
    /// Bytes of messages that wait in any queue.
    pub waiting_bytes: usize,
    /// Connections and subscriptions begun so far.
    pub operations: u64,
    /// For how long connections were open, all together.
    pub connected: Duration,
}

impl Default for Hub {
    fn default() -> Self {
        Self::new(MemoryLimits::default().waiting)
    }
}

impl Hub {
    /// Nobody is connected. When more than `most_waiting` bytes wait in all queues, each has a fair share of them.
    pub fn new(most_waiting: usize) -> Self {
        Self {
            most_waiting,
            groups: RwLock::default(),
            connections: Mutex::default(),
            dispatcher: Dispatcher::default(),
            next_connection: AtomicU64::default(),
            next_class: AtomicU64::default(),
            waiting: Arc::default(),
            open: AtomicUsize::default(),
            subscriptions: AtomicU64::default(),
            deliveries: AtomicU64::default(),
            steps: AtomicU64::default(),
            sent_bytes: AtomicU64::default(),
            operations: AtomicU64::default(),
            connected_before: AtomicU64::default(),
        }
    }

    /// Asks all connections to close, because the server stops.
    pub fn close_all(&self) {
        for connected in self.connections.lock().values() {
            connected.queue.close(Closing::ServerStops);
        }
    }

    /// The listeners of a group, each connection once.
    pub fn listeners(&self, group: &GroupKey) -> Vec<Listener> {
        let Some(listeners) = self.groups.read().get(group).cloned() else { return Vec::new() };
        let classes = listeners.classes.read();
        let listeners: HashMap<_, _> = classes
            .iter()
            .flat_map(|class| &class.subscribers)
            .map(|subscriber| {
                let waiting_bytes = subscriber.queue.waiting_bytes();
                (subscriber.connection, Listener { address: subscriber.address, waiting_bytes })
            })
            .collect();
        listeners.into_values().collect()
    }

    /// The counts of the hub.
    pub fn counts(&self) -> HubCounts {
        let (connections, open) = {
            let connections = self.connections.lock();
            (
                connections.len(),
                connections.values().map(|connected| connected.since.elapsed()).sum::<Duration>(),
            )
        };
        let before = Duration::from_millis(self.connected_before.load(Ordering::Relaxed));
        HubCounts {
            connections,
            connected: before + open,
            operations: self.operations.load(Ordering::Relaxed),
            sent_bytes: self.sent_bytes.load(Ordering::Relaxed),
            waiting_bytes: self.waiting.load(Ordering::Relaxed),
            subscriptions: self.subscriptions.load(Ordering::Relaxed),
            deliveries: self.deliveries.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
        }
    }
}
