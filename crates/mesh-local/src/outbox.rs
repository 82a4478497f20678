//! The order in which a group's news leaves.

use std::collections::VecDeque;
use std::sync::Arc;

use mesh_core::model::MeshMessage;

use crate::sync::Mutex;

/// The port to subscribers: the hub of the realtime connections.
pub trait Publisher: Send + Sync + 'static {
    /// Hands a message to all subscribers of its group. Called for one message of a group at a time,
    /// in the order in which the store took them.
    fn publish(&self, message: &MeshMessage);

    /// Hands on a part of a message, so that one with much to write does not keep the thread. `from` is 0 at first,
    /// and then what was returned; `None` at the end.
    fn publish_part(&self, message: &MeshMessage, from: u64) -> Option<u64> {
        let _ = from;
        self.publish(message);
        None
    }
}

/// Durable news of one group, in the order in which the store took it, until it leaves.
///
/// Tasks that wait for the same commit wake in any order, so none of them publishes its own message:
/// each empties the outbox. Whoever comes out of [`Outbox::flush`] knows that its own message and
/// everything before it has left.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<VecDeque<MeshMessage>>,
    /// Held while messages leave, so that two tasks cannot overtake each other. The message that has left in part,
    /// and from where it goes on.
    turn: Mutex<Option<(MeshMessage, u64)>>,
}

/// A message and the outbox it leaves through.
pub(super) type Outgoing = (Arc<Outbox>, MeshMessage);

impl Outbox {
    /// Puts messages into their outboxes. Called in the order of the changes.
    pub(super) fn post(news: Vec<Outgoing>) {
        for (outbox, message) in news {
            outbox.waiting.lock().push_back(message);
        }
    }

    /// Publishes everything that waits. Returns true when a message has left in part: others are to have the
    /// thread before the rest, which any task may publish.
    pub(super) fn flush(&self, publisher: &dyn Publisher) -> bool {
        let mut turn = self.turn.lock();
        loop {
            let Some((message, from)) = turn.take().or_else(|| Some((self.next()?, 0))) else { return false };
            if let Some(rest) = publisher.publish_part(&message, from) {
                *turn = Some((message, rest));
                return true;
            }
        }
    }

    fn next(&self) -> Option<MeshMessage> {
        self.waiting.lock().pop_front()
    }
}
