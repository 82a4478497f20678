//! Messages that wait for one connection, within bounds.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use mesh_core::model::DissolveReason;

use crate::realtime::frames::put_head;
use crate::realtime::socket::WriteAtOnce;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// If more waits, the connection's task sends it, without copying large messages.
const MOST_AT_ONCE: usize = 16 << 10;
/// A connection for which more waits is closed.
pub const MAX_WAITING_BYTES: usize = 8 << 20;

/// Messages for one connection. Anybody may push and send; only the connection's task takes.
///
/// Nothing is ever dropped or reordered while the connection lives: reports are deltas, and events
/// must follow the values that they belong to. A connection that cannot keep up is closed and catches
/// up when it is back.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    /// Set together with [`State::closing`], to be read without the lock.
    is_closing: AtomicBool,
    /// Bytes that were pushed and not yet handed to the socket.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// True if the messages are to be sent now.
    is_due: bool,
    closing: Option<Closing>,
    /// The connection's task, while it waits.
    taker: Option<Waker>,
    /// The socket, if others may write to it.
    socket: Option<Arc<dyn WriteAtOnce>>,
    /// True while the connection's task has nothing to write, so that others may.
    is_idle: bool,
    /// Bytes of the messages' frames that others have written.
    written: usize,
}

/// One message, as a part of its own and a part that it shares with others.
#[derive(Clone, Debug)]
pub struct Message {
    /// The part that only this subscription gets.
    pub head: Arc<[u8]>,
    /// The part that every subscription with the same selection gets.
    pub tail: Bytes,
}

/// Why a connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It could not keep up.
    TooSlow,
    /// The server stops.
    ServerStops,
    /// The only group that it is for has ended.
    GroupEnded(DissolveReason),
}

impl Message {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Returns `true` if it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl State {
    /// Writes all messages to the socket. Returns false if the connection's task has to do it, or to go on.
    fn write_at_once(&mut self, frames: &mut Vec<u8>) -> bool {
        let Some(socket) = &self.socket else { return false };
        frames.clear();
        for message in &self.messages {
            put_head(frames, message);
            frames.extend_from_slice(&message.tail);
        }
        // The connection's task finds out why a socket takes nothing.
        let written = socket.write_at_once(frames).unwrap_or_default();
        if written == frames.len() {
            self.messages.clear();
            return true;
        }
        (self.is_idle, self.written) = (false, written);
        false
    }
}

impl Queue {
    /// Lets others than the connection's task write to the socket, if it can be shared.
    pub fn share(&self, socket: Option<Arc<dyn WriteAtOnce>>) {
        self.state.lock().socket = socket;
    }

    /// Adds a message, which waits for [`Queue::send`], unless the connection is being closed. Closes it if more than
    /// `most` bytes wait. A message for which nothing waits is added whatever its length: who takes everything is not
    /// slow.
    pub fn push(&self, message: Message, most: usize) {
        let length = message.len();
        let mut state = self.state.lock();
        if state.closing.is_some() {
            return;
        }
        let before = self.waiting.fetch_add(length, Ordering::Relaxed);
        if before == 0 || before + length <= most {
            state.messages.push(message);
            return;
        }
        self.is_closing.store(true, Ordering::Relaxed);
        state.closing = Some(Closing::TooSlow);
        // A frame that was begun has to be ended before the reason can be told.
        if state.written == 0 {
            state.messages = Vec::new();
        }
        wake(state);
    }

    /// Sends what waits: here, if the socket takes all of it at once, or by the connection's task. `frames` is memory
    /// that calls share.
    pub fn send(&self, frames: &mut Vec<u8>) {
        let mut state = self.state.lock();
        if state.messages.is_empty() {
            return;
        }
        let bytes = self.waiting_bytes();
        if state.is_idle && state.closing.is_none() && bytes <= MOST_AT_ONCE && state.write_at_once(frames) {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return;
        }
        state.is_due = true;
        wake(state);
    }

    /// The connection's task begins to write, and nobody else may. If the socket has a part of the messages already,
    /// they are swapped into `taken`, which must be empty. Returns how many bytes of their frames it has.
    pub fn begin(&self, taken: &mut Vec<Message>) -> usize {
        let mut state = self.state.lock();
        state.is_idle = false;
        if state.written > 0 {
            std::mem::swap(&mut state.messages, taken);
        }
        std::mem::take(&mut state.written)
    }

    /// The connection's task has written everything that it took.
    pub fn end(&self) {
        self.state.lock().is_idle = true;
    }

    /// Asks the connection's task to close it.
    pub fn close(&self, why: Closing) {
        let mut state = self.state.lock();
        self.is_closing.store(true, Ordering::Relaxed);
        state.closing.get_or_insert(why);
        wake(state);
    }

    /// Returns `true` if the connection is to be closed: nothing more need be made for it.
    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// Waits until there is something to send now or a reason to close.
    pub async fn filled(&self) {
        self.wait(|state| state.is_due || state.closing.is_some()).await;
    }

    /// Waits until there is a reason to close.
    pub async fn closed(&self) {
        self.wait(|state| state.closing.is_some()).await;
    }

    /// Waits until the state is as wished. Only one task can wait at a time, so one waker is enough.
    async fn wait(&self, is_so: impl Fn(&State) -> bool) {
        let poll = |context: &mut Context<'_>| {
            let mut state = self.state.lock();
            if is_so(&state) {
                return Poll::Ready(());
            }
            match &mut state.taker {
                Some(taker) => taker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            Poll::Pending
        };
        poll_fn(poll).await;
    }

    /// Swaps all waiting messages into `taken`, which must be empty; says why to close, if there is a
    /// reason.
    pub fn take(&self, taken: &mut Vec<Message>) -> Option<Closing> {
        let mut state = self.state.lock();
        std::mem::swap(&mut state.messages, taken);
        state.is_due = false;
        state.closing
    }

    /// Why the connection is to be closed, if it is.
    pub fn closing(&self) -> Option<Closing> {
        self.state.lock().closing
    }

    /// Notes that the socket took so many bytes of what was taken.
    pub fn sent(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes that were pushed and not yet handed to the socket.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Wakes the connection's task, if it waits.
fn wake(mut state: MutexGuard<'_, State>) {
    let taker = state.taker.take();
    drop(state);
    if let Some(taker) = taker {
        taker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use std::pin::pin;

    fn message(length: usize) -> Message {
        Message { head: Arc::from([]), tail: vec![0; length].into() }
    }

    #[test]
    fn eight_megabytes_wait_and_no_more() {
        let queue = Queue::default();
        let mut taken = Vec::new();
        queue.push(message(MAX_WAITING_BYTES - 1), MAX_WAITING_BYTES);
        queue.push(message(1), MAX_WAITING_BYTES);
        assert_eq!(queue.take(&mut taken), None);
        assert_eq!(taken.len(), 2);
        // What was taken still waits for the socket.
        queue.push(message(1), MAX_WAITING_BYTES);
        assert_eq!(queue.closing(), Some(Closing::TooSlow));
        taken.clear();
        assert_eq!(queue.take(&mut taken), Some(Closing::TooSlow));
        assert!(taken.is_empty());
    }

    #[test]
    fn who_took_everything_gets_a_message_of_any_length() {
        let queue = Queue::default();
        queue.push(message(200), 100);
        assert_eq!((queue.closing(), queue.waiting_bytes()), (None, 200));
        queue.push(message(1), 100);
        assert_eq!(queue.closing(), Some(Closing::TooSlow));
    }

    #[test]
    fn what_was_sent_makes_room() {
        let queue = Queue::default();
        let mut taken = Vec::new();
        for _ in 0..3 {
            queue.push(message(MAX_WAITING_BYTES), MAX_WAITING_BYTES);
            assert_eq!(queue.take(&mut taken), None);
            taken.clear();
            queue.sent(MAX_WAITING_BYTES);
        }
        assert_eq!(queue.waiting_bytes(), 0);
    }

    #[tokio::test]
    async fn the_waiting_task_is_woken() {
        let queue = Queue::default();
        let mut filled = pin!(queue.filled());
        assert!(poll!(&mut filled).is_pending());
        queue.push(message(1), MAX_WAITING_BYTES);
        assert!(poll!(&mut filled).is_pending(), "it waits for others");
        queue.send(&mut Vec::new());
        assert!(poll!(&mut filled).is_ready());
        let mut closed = pin!(queue.closed());
        assert!(poll!(&mut closed).is_pending(), "a message is no reason to close");
        queue.push(message(1), MAX_WAITING_BYTES);
        assert!(poll!(&mut closed).is_pending());
        queue.close(Closing::ServerStops);
        closed.await;
        queue.filled().await;
    }
}
