//! Who listens to which group, and publishing to them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mesh_appsync::selection::{Part, Selection};
use mesh_core::id::GroupKey;
use mesh_core::model::MeshMessage;
use mesh_cost::steps;
use parking_lot::{Mutex, RwLock};

use crate::realtime::protocol::DATA_TAIL;
use crate::realtime::queue::{Closing, Message, Queue};
use mesh_local::Publisher;

/// The registry of connections and of their subscriptions.
#[derive(Default)]
pub struct Hub {
    groups: RwLock<HashMap<GroupKey, Arc<Listeners>>>,
    connections: Mutex<HashMap<u64, Connected>>,
    next_connection: AtomicU64,
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

/// Who listens to one group, by what they want to hear: subscriptions with the same selection share
/// the bytes of a message.
#[derive(Default)]
struct Listeners(RwLock<Vec<Class>>);

struct Class {
    selection: Selection,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    connection: u64,
    address: IpAddr,
    /// Unique among the subscriptions of its connection.
    number: u64,
    queue: Arc<Queue>,
    head: Arc<[u8]>,
}

/// A place in the hub, given up when dropped.
pub struct Registration {
    hub: Arc<Hub>,
    connection: u64,
    address: IpAddr,
    queue: Arc<Queue>,
}

/// A connection that listens to a group.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// Where it comes from.
    pub address: IpAddr,
    /// Bytes that wait for it.
    pub waiting_bytes: usize,
}

/// A registered subscription.
pub struct Registered {
    group: GroupKey,
    number: u64,
}

/// What the hub counts.
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
    /// Connections and subscriptions begun so far.
    pub operations: u64,
    /// For how long connections were open, all together.
    pub connected: Duration,
}

impl Hub {
    /// Registers a connection from `address`.
    pub fn connect(self: &Arc<Self>, address: IpAddr) -> Registration {
        let connection = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::<Queue>::default();
        let connected = Connected { queue: queue.clone(), since: Instant::now() };
        self.connections.lock().insert(connection, connected);
        self.operations.fetch_add(1, Ordering::Relaxed);
        Registration { hub: self.clone(), connection, address, queue }
    }

    /// Asks all connections to close, because the server stops.
    pub fn close_all(&self) {
        for connected in self.connections.lock().values() {
            connected.queue.close(Closing::ServerStops);
        }
    }

    /// Who listens to a group, each connection once.
    pub fn listeners(&self, group: &GroupKey) -> Vec<Listener> {
        let Some(listeners) = self.groups.read().get(group).cloned() else { return Vec::new() };
        let classes = listeners.0.read();
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

    /// What the hub counts.
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
            subscriptions: self.subscriptions.load(Ordering::Relaxed),
            deliveries: self.deliveries.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
        }
    }
}

impl Registration {
    /// What waits for this connection.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Registers a subscription. `head` stands before each of its messages; `number` is its own among
    /// the subscriptions of this connection. From here on it gets every message of the group.
    pub fn subscribe(&self, group: GroupKey, selection: Selection, head: Vec<u8>, number: u64) -> Registered {
        let subscriber = Subscriber {
            connection: self.connection,
            address: self.address,
            number,
            queue: self.queue.clone(),
            head: head.into(),
        };
        let mut groups = self.hub.groups.write();
        let mut classes = groups.entry(group.clone()).or_default().0.write();
        match classes.iter_mut().find(|class| class.selection == selection) {
            Some(class) => class.subscribers.push(subscriber),
            None => classes.push(Class { selection, subscribers: vec![subscriber] }),
        }
        self.hub.subscriptions.fetch_add(1, Ordering::Relaxed);
        self.hub.operations.fetch_add(1, Ordering::Relaxed);
        Registered { group, number }
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, registered: &Registered) {
        let mut groups = self.hub.groups.write();
        let Some(listeners) = groups.get(&registered.group) else { return };
        let mut classes = listeners.0.write();
        for class in &mut *classes {
            let is_it = |subscriber: &Subscriber| {
                (subscriber.connection, subscriber.number) == (self.connection, registered.number)
            };
            if let Some(place) = class.subscribers.iter().position(is_it) {
                class.subscribers.swap_remove(place);
                self.hub.subscriptions.fetch_sub(1, Ordering::Relaxed);
            }
        }
        classes.retain(|class| !class.subscribers.is_empty());
        let nobody = classes.is_empty();
        drop(classes);
        if nobody {
            groups.remove(&registered.group);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let connected = self.hub.connections.lock().remove(&self.connection);
        let lasted = connected.map_or(Duration::ZERO, |connected| connected.since.elapsed());
        let lasted = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        self.hub.connected_before.fetch_add(lasted, Ordering::Relaxed);
    }
}

impl Publisher for Hub {
    fn publish(&self, message: &MeshMessage) {
        if !message.fields.can_be_delivered() {
            return;
        }
        let listeners = self.groups.read().get(&*message.group).cloned();
        let Some(listeners) = listeners else { return };
        let classes = listeners.0.read();
        let (mut deliveries, mut counted, mut bytes) = (0, 0, 0);
        for class in &*classes {
            let mut json = Vec::with_capacity(512);
            class.selection.write(&mut json, message, Part::OthersAsNull(message.fields));
            json.extend_from_slice(DATA_TAIL);
            let tail = bytes::Bytes::from(json);
            for subscriber in &class.subscribers {
                subscriber.queue.push(Message { head: subscriber.head.clone(), tail: tail.clone() });
            }
            let (subscribers, length) = (class.subscribers.len() as u64, tail.len() as u64);
            deliveries += subscribers;
            counted += subscribers * steps(length);
            bytes += subscribers * length;
        }
        self.deliveries.fetch_add(deliveries, Ordering::Relaxed);
        self.steps.fetch_add(counted, Ordering::Relaxed);
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
