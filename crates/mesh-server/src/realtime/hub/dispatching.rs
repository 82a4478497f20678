//! Sends what waits for a group: at once, or a little later where messages come fast.
//!
//! Two thirds of a delivery's time are the kernel's, and three frames in one write take it about as long as one. So
//! messages of a fast group wait until everything that is ready has run, and more messages have come. One task then
//! writes to all sockets of the group, so that no task has to be woken for each socket.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;

use super::{Hub, Listeners};
use crate::sync::Mutex;

/// Messages of a group that come in shorter intervals wait for each other.
const FAST_INTERVAL: Duration = Duration::from_millis(20);

/// How often a task yields before it sends for a fast group. A worker comes back to a task that yields when nothing
/// else is ready, at the latest after 61 others. More yields saved little, and delayed the slowest deliveries.
const YIELDS: u32 = 3;

/// The groups for which messages wait, and the tasks that send them.
#[derive(Default)]
pub(super) struct Dispatcher(Mutex<State>);

#[derive(Default)]
struct State {
    groups: VecDeque<Arc<Listeners>>,
    /// True if one of them is fast.
    any_fast: bool,
    /// The tasks that wait for groups.
    idle: Vec<Waker>,
    /// The tasks.
    running: usize,
}

/// How fast the messages of a group come.
#[derive(Default)]
pub(super) struct Pace {
    last: Option<Instant>,
    /// True while the group is in the dispatcher's list.
    waits: bool,
}

impl Pace {
    /// Notes a message. Returns true if the one before has just come.
    fn is_fast(&mut self) -> bool {
        let now = Instant::now();
        self.last.replace(now).is_some_and(|last| now - last < FAST_INTERVAL)
    }
}

impl Dispatcher {
    /// Lets a task send what waits for a group, or does it if there is no task.
    pub(super) fn add(&self, listeners: &Arc<Listeners>) {
        let is_fast = {
            let mut pace = listeners.pace.lock();
            let is_fast = pace.is_fast();
            if std::mem::replace(&mut pace.waits, true) {
                return;
            }
            is_fast
        };
        let mut state = self.0.lock();
        if state.running == 0 {
            drop(state);
            return listeners.send();
        }
        state.groups.push_back(listeners.clone());
        state.any_fast |= is_fast;
        let task = state.idle.pop();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Waits until there are groups. Returns true if one of them is fast.
    async fn filled(&self) -> bool {
        let poll = |context: &mut Context<'_>| {
            let mut state = self.0.lock();
            if !state.groups.is_empty() {
                return Poll::Ready(std::mem::take(&mut state.any_fast));
            }
            if !state.idle.iter().any(|task| task.will_wake(context.waker())) {
                state.idle.push(context.waker().clone());
            }
            Poll::Pending
        };
        poll_fn(poll).await
    }

    fn next(&self) -> Option<Arc<Listeners>> {
        self.0.lock().groups.pop_front()
    }
}

impl Listeners {
    /// Sends what waits.
    fn send(&self) {
        // What is pushed from here on asks again.
        self.pace.lock().waits = false;
        let mut frames = Vec::new();
        for subscriber in self.classes.read().iter().flat_map(|class| &class.subscribers) {
            subscriber.queue.send(&mut frames);
        }
    }
}

/// A task while it runs. When it ends, it sends what waits: there may be no other task to do it.
struct Running<'a>(&'a Dispatcher);

impl<'a> Running<'a> {
    fn of(dispatcher: &'a Dispatcher) -> Self {
        dispatcher.0.lock().running += 1;
        Self(dispatcher)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.lock().running -= 1;
        while let Some(listeners) = self.0.next() {
            listeners.send();
        }
    }
}

impl Hub {
    /// Sends what is published, for as long as it is polled. A server has as many of these as threads, so that groups
    /// do not wait for each other. Without any, publishing sends.
    pub async fn dispatch(&self) {
        let running = Running::of(&self.dispatcher);
        loop {
            if running.0.filled().await {
                for _ in 0..YIELDS {
                    yield_now().await;
                }
            }
            if let Some(listeners) = running.0.next() {
                listeners.send();
            }
        }
    }
}
