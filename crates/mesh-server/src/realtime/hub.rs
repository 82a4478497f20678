//! Who listens to which group, and publishing to them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mesh_appsync::selection::{Part, Selection};
use mesh_core::id::GroupKey;
use mesh_core::model::MeshMessage;
use parking_lot::{Mutex, RwLock};

use crate::realtime::protocol::DATA_TAIL;
use crate::realtime::queue::{Closing, Message, Queue};
use crate::store::Outlet;

/// The registry of connections and of their subscriptions.
#[derive(Default)]
pub struct Hub {
    groups: RwLock<HashMap<GroupKey, Arc<Listeners>>>,
    connections: Mutex<HashMap<u64, Arc<Queue>>>,
    next_connection: AtomicU64,
    subscriptions: AtomicU64,
    deliveries: AtomicU64,
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
    /// Unique among the subscriptions of its connection.
    number: u64,
    queue: Arc<Queue>,
    head: Arc<[u8]>,
}

/// A place in the hub, given up when dropped.
pub struct Registration {
    hub: Arc<Hub>,
    connection: u64,
    queue: Arc<Queue>,
}

/// A registered subscription.
pub struct Registered {
    group: GroupKey,
    number: u64,
}

/// What the hub counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Open WebSockets.
    pub connections: usize,
    /// Registered subscriptions.
    pub subscriptions: u64,
    /// Messages handed to connections so far, one for each subscription.
    pub deliveries: u64,
}

impl Hub {
    /// Registers a connection.
    pub fn connect(self: &Arc<Self>) -> Registration {
        let connection = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::<Queue>::default();
        self.connections.lock().insert(connection, queue.clone());
        Registration { hub: self.clone(), connection, queue }
    }

    /// Asks all connections to close, because the server stops.
    pub fn close_all(&self) {
        for queue in self.connections.lock().values() {
            queue.close(Closing::ServerStops);
        }
    }

    /// What the hub counts.
    pub fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.lock().len(),
            subscriptions: self.subscriptions.load(Ordering::Relaxed),
            deliveries: self.deliveries.load(Ordering::Relaxed),
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
        let subscriber =
            Subscriber { connection: self.connection, number, queue: self.queue.clone(), head: head.into() };
        let mut groups = self.hub.groups.write();
        let mut classes = groups.entry(group.clone()).or_default().0.write();
        match classes.iter_mut().find(|class| class.selection == selection) {
            Some(class) => class.subscribers.push(subscriber),
            None => classes.push(Class { selection, subscribers: vec![subscriber] }),
        }
        self.hub.subscriptions.fetch_add(1, Ordering::Relaxed);
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
        self.hub.connections.lock().remove(&self.connection);
    }
}

impl Outlet for Hub {
    fn publish(&self, message: &MeshMessage) {
        if !message.fields.can_be_delivered() {
            return;
        }
        let listeners = self.groups.read().get(&*message.group).cloned();
        let Some(listeners) = listeners else { return };
        let classes = listeners.0.read();
        let mut deliveries = 0;
        for class in &*classes {
            let mut json = Vec::with_capacity(512);
            class.selection.write(&mut json, message, Part::OthersAsNull(message.fields));
            json.extend_from_slice(DATA_TAIL);
            let tail = bytes::Bytes::from(json);
            for subscriber in &class.subscribers {
                subscriber.queue.push(Message { head: subscriber.head.clone(), tail: tail.clone() });
            }
            deliveries += class.subscribers.len() as u64;
        }
        self.deliveries.fetch_add(deliveries, Ordering::Relaxed);
    }
}
