//! Connections and their subscriptions come and go.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_appsync::selection::Selection;
use mesh_core::id::{GroupKey, Id};

use super::{Class, Connected, Hub, Subscriber, View};
use crate::realtime::protocol::Framing;
use crate::realtime::queue::Queue;
use crate::sync::atomic::Ordering;

/// The most different selections of one group, and how many of them may be one connection's. For each,
/// every message of the group is written once.
const MAX_SELECTIONS: usize = 32;
const MAX_SELECTIONS_OF_ONE: usize = 8;

/// A place in the hub, given up when dropped.
pub struct Registration {
    hub: Arc<Hub>,
    connection: u64,
    address: IpAddr,
    queue: Arc<Queue>,
}

/// A registered subscription.
pub struct Registered {
    group: GroupKey,
    number: u64,
}

/// There are too many different selections of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManySelections;

impl Hub {
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
        let mut classes = groups.entry(group.clone()).or_default().classes.write();
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
        let mut classes = listeners.classes.write();
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
        self.hub.open.fetch_sub(1, Ordering::Relaxed);
        let lasted = connected.map_or(Duration::ZERO, |connected| connected.since.elapsed());
        let lasted = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        self.hub.connected_before.fetch_add(lasted, Ordering::Relaxed);
    }
}
