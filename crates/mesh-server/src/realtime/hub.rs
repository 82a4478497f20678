//! The listeners of all groups, and publishing to them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mesh_appsync::selection::{Bounded, Part, Selection, Sink as _};
use mesh_core::id::{GroupKey, Id};
use mesh_core::limits::MESSAGE_BYTES;
use mesh_core::model::{Content, MeshMessage};
use mesh_cost::steps;

use crate::cloud_variables::protocol as cloud_variables;
use crate::limits::memory::MemoryLimits;
use crate::realtime::protocol::{DATA_TAIL, Framing};
use crate::realtime::queue::{Closing, MAX_WAITING_BYTES, Message, Queue};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, RwLock};
use mesh_local::Publisher;

/// A fair share is never less than this.
const LEAST_SHARE: usize = 16 << 10;
/// The most different selections of one group, and how many of them may be one connection's. For each,
/// every message of the group is written once.
const MAX_SELECTIONS: usize = 32;
const MAX_SELECTIONS_OF_ONE: usize = 8;
/// After so many written bytes of one message others have the thread, before its next selection is written.
const BYTES_BETWEEN_YIELDS: usize = 256 << 10;
/// The most bytes of a message as a selection shows it, without what stands around it.
const MAX_SELECTED_BYTES: usize = MESSAGE_BYTES - r#"{"data":{"onMessageInGroup":}}"#.len();

/// The registry of connections and of their subscriptions.
pub struct Hub {
    /// When more bytes wait in all queues, each queue may hold its fair share of them and no more.
    most_waiting: usize,
    groups: RwLock<HashMap<GroupKey, Arc<Listeners>>>,
    connections: Mutex<HashMap<u64, Connected>>,
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
struct Listeners(RwLock<Vec<Class>>);

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
    /// The address that it comes from.
    pub address: IpAddr,
    /// Bytes that wait for it.
    pub waiting_bytes: usize,
}

/// There are too many different selections of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManySelections;

/// A message's bytes, counted while any queue holds them.
struct Waiting {
    json: Vec<u8>,
    total: Arc<AtomicUsize>,
}

/// A registered subscription.
pub struct Registered {
    group: GroupKey,
    number: u64,
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

    /// Registers a connection from `address`.
    pub fn connect(self: &Arc<Self>, address: IpAddr) -> Registration {
        let connection = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::<Queue>::default();
        let connected = Connected { queue: queue.clone(), since: Instant::now() };
        self.connections.lock().insert(connection, connected);
        self.open.fetch_add(1, Ordering::Relaxed);
        self.operations.fetch_add(1, Ordering::Relaxed);
        Registration { hub: self.clone(), connection, address, queue }
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

impl Registration {
    /// The messages that wait for this connection.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Registers a subscription; `number` is its own among the subscriptions of this connection. From here
    /// on it gets every message of the group.
    ///
    /// # Errors
    ///
    /// If its selection would be one more than a group or a connection may have.
    pub fn subscribe(
        &self,
        group: GroupKey,
        selection: Selection,
        framing: Framing,
        number: u64,
    ) -> Result<Registered, TooManySelections> {
        let repeats_fields = selection.repeats_fields();
        self.add(group, View::Selection { selection, repeats_fields }, framing, number, None)
    }

    /// Registers a node that is shown the values of its group as Scratch's cloud variables. Its connection is closed
    /// when the group ends.
    ///
    /// # Errors
    ///
    /// If the group has too many different listeners.
    pub fn listen_to_variables(&self, group: GroupKey, node: Id) -> Result<Registered, TooManySelections> {
        let framing = Framing { id: "".into(), head: Arc::from([]), too_large: |_| Vec::new() };
        self.add(group, View::CloudVariables, framing, 0, Some(node))
    }

    fn add(
        &self,
        group: GroupKey,
        view: View,
        framing: Framing,
        number: u64,
        node: Option<Id>,
    ) -> Result<Registered, TooManySelections> {
        let subscriber = Subscriber {
            connection: self.connection,
            address: self.address,
            number,
            queue: self.queue.clone(),
            framing,
            node,
        };
        let mut groups = self.hub.groups.write();
        let mut classes = groups.entry(group.clone()).or_default().0.write();
        match classes.iter().position(|class| class.view == view) {
            Some(place) => classes[place].subscribers.push(subscriber),
            None if self.may_add_to(&classes) => {
                let number = self.hub.next_class.fetch_add(1, Ordering::Relaxed) + 1;
                classes.push(Class { number, view, subscribers: vec![subscriber] });
            }
            None => return Err(TooManySelections),
        }
        self.hub.subscriptions.fetch_add(1, Ordering::Relaxed);
        self.hub.operations.fetch_add(1, Ordering::Relaxed);
        Ok(Registered { group, number })
    }

    fn may_add_to(&self, classes: &[Class]) -> bool {
        let is_own = |class: &&Class| {
            class.subscribers.iter().any(|subscriber| subscriber.connection == self.connection)
        };
        classes.len() < MAX_SELECTIONS_OF_ONE
            || classes.len() < MAX_SELECTIONS && classes.iter().filter(is_own).count() < MAX_SELECTIONS_OF_ONE
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

impl Hub {
    /// The bytes that a selection makes of a message; `None` if they are too many.
    fn tail(&self, selection: &Selection, repeats_fields: bool, message: &MeshMessage) -> Option<Bytes> {
        let mut json = Vec::with_capacity(512);
        let part = Part::OthersAsNull(message.fields);
        let is_full = if repeats_fields {
            let mut out = Bounded::new(&mut json, MAX_SELECTED_BYTES);
            selection.write(&mut out, message, part);
            out.is_full()
        } else {
            // The message itself is bounded, so little is written in vain.
            selection.write(&mut json, message, part);
            json.len() > MAX_SELECTED_BYTES
        };
        if is_full {
            return None;
        }
        json.extend_from_slice(DATA_TAIL);
        Some(self.counted(json))
    }

    /// Bytes that count as waiting while any queue holds them.
    fn counted(&self, json: Vec<u8>) -> Bytes {
        self.waiting.fetch_add(json.capacity(), Ordering::Relaxed);
        Bytes::from_owner(Waiting { json, total: self.waiting.clone() })
    }

    /// The most that may wait for one connection now.
    fn most_of_one(&self) -> usize {
        if self.waiting.load(Ordering::Relaxed) <= self.most_waiting {
            return MAX_WAITING_BYTES;
        }
        let open = self.open.load(Ordering::Relaxed).max(1);
        (self.most_waiting / open).clamp(LEAST_SHARE, MAX_WAITING_BYTES)
    }
}

impl Class {
    /// Hands a message to all subscribers but `sender`; answers how many these are.
    fn push(&self, tail: &Bytes, sender: Option<&Id>, most: usize) -> u64 {
        let others =
            self.subscribers.iter().filter(|other| other.node.is_none() || other.node.as_ref() != sender);
        let mut count = 0;
        for subscriber in others {
            let message = Message { head: subscriber.framing.head.clone(), tail: tail.clone() };
            subscriber.queue.push(message, most);
            count += 1;
        }
        count
    }

    /// Says that a message is too large for this selection.
    fn refuse(&self, most: usize) {
        for subscriber in &self.subscribers {
            let Framing { id, too_large, .. } = &subscriber.framing;
            subscriber.queue.push(Message { head: too_large(id).into(), tail: Bytes::new() }, most);
        }
    }
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.total.fetch_sub(self.json.capacity(), Ordering::Relaxed);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let connected = self.hub.connections.lock().remove(&self.connection);
        self.hub.open.fetch_sub(1, Ordering::Relaxed);
        let lasted = connected.map_or(Duration::ZERO, |connected| connected.since.elapsed());
        let lasted = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        self.hub.connected_before.fetch_add(lasted, Ordering::Relaxed);
    }
}

impl Publisher for Hub {
    fn publish(&self, message: &MeshMessage) {
        let mut from = 0;
        while let Some(next) = self.publish_part(message, from) {
            from = next;
        }
    }

    fn publish_part(&self, message: &MeshMessage, from: u64) -> Option<u64> {
        if !message.fields.can_be_delivered() {
            return None;
        }
        let listeners = self.groups.read().get(&*message.group).cloned()?;
        let classes = listeners.0.read();
        let (mut deliveries, mut counted, mut bytes) = (0, 0, 0);
        let (mut written, mut rest) = (0, None);
        let most = self.most_of_one();
        for class in classes.iter().skip_while(|class| class.number < from) {
            if written >= BYTES_BETWEEN_YIELDS {
                rest = Some(class.number);
                break;
            }
            if class.subscribers.iter().all(|subscriber| subscriber.queue.is_closing()) {
                continue;
            }
            let (tail, sender) = match (&class.view, &message.content) {
                (View::Selection { selection, repeats_fields }, _) => {
                    let Some(tail) = self.tail(selection, *repeats_fields, message) else {
                        written += MAX_SELECTED_BYTES;
                        class.refuse(most);
                        continue;
                    };
                    (tail, None)
                }
                (View::CloudVariables, Content::NodeStatus(status)) => {
                    (self.counted(cloud_variables::set_messages(&status.data)), Some(&status.node_id))
                }
                (View::CloudVariables, Content::GroupDissolve(end)) => {
                    let closing = Closing::GroupEnded(end.reason);
                    class.subscribers.iter().for_each(|subscriber| subscriber.queue.close(closing));
                    continue;
                }
                (View::CloudVariables, Content::BatchEvent(_)) => continue,
            };
            written += tail.len();
            let (subscribers, length) = (class.push(&tail, sender, most), tail.len() as u64);
            deliveries += subscribers;
            counted += subscribers * steps(length);
            bytes += subscribers * length;
        }
        self.deliveries.fetch_add(deliveries, Ordering::Relaxed);
        self.steps.fetch_add(counted, Ordering::Relaxed);
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        rest
    }
}
