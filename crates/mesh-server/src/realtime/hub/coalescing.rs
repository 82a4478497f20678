//! One write for several messages, where they come fast.
//!
//! Two thirds of a delivery's time are the kernel's, and three frames in one write take it about as long as one.
//! So the connections of a group whose messages come fast are not woken for each message: a task wakes them all
//! once everything that is ready has run, which makes more messages.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;

use super::{Hub, Listeners};
use crate::sync::Mutex;

/// Messages of a group that come in shorter intervals wait for each other.
const FAST_INTERVAL: Duration = Duration::from_millis(20);

/// How often others go first. A worker comes back to a task that yields when nothing else is ready, at the latest
/// after 61 others. More of them saved little, and delayed the slowest deliveries.
const YIELDS: u32 = 3;

/// The groups whose connections the task is to wake.
#[derive(Default)]
pub(super) struct Coalescer(Mutex<State>);

#[derive(Default)]
struct State {
    groups: Vec<Arc<Listeners>>,
    /// The task, while it waits.
    task: Option<Waker>,
    /// False while there is no task.
    is_running: bool,
}

/// How fast the messages of a group come.
#[derive(Default)]
pub(super) struct Pace {
    last: Option<Instant>,
    /// True while the group is among those that the task is to wake.
    waits: bool,
}

impl Pace {
    /// Notes a message. Returns true if it may wait for the next.
    pub(super) fn is_fast(&mut self) -> bool {
        let now = Instant::now();
        self.last.replace(now).is_some_and(|last| now - last < FAST_INTERVAL)
    }
}

impl Coalescer {
    /// Lets the task wake the connections of a group, or does it if there is no task.
    pub(super) fn add(&self, listeners: &Arc<Listeners>) {
        if std::mem::replace(&mut listeners.pace.lock().waits, true) {
            return;
        }
        let mut state = self.0.lock();
        if !state.is_running {
            drop(state);
            return listeners.wake();
        }
        state.groups.push(listeners.clone());
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Waits until there are groups.
    async fn filled(&self) {
        let poll = |context: &mut std::task::Context<'_>| {
            let mut state = self.0.lock();
            if !state.groups.is_empty() {
                return Poll::Ready(());
            }
            state.task = Some(context.waker().clone());
            Poll::Pending
        };
        poll_fn(poll).await;
    }

    fn wake_all(&self) {
        let groups = std::mem::take(&mut self.0.lock().groups);
        for listeners in groups {
            listeners.wake();
        }
    }
}

impl Listeners {
    /// Wakes all connections for which messages wait.
    fn wake(&self) {
        // What is pushed from here on asks again.
        self.pace.lock().waits = false;
        for subscriber in self.classes.read().iter().flat_map(|class| &class.subscribers) {
            subscriber.queue.wake();
        }
    }
}

/// The task while it runs. Nobody waits for one that has ended.
struct Running<'a>(&'a Coalescer);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.lock().is_running = false;
        self.0.wake_all();
    }
}

impl Hub {
    /// Wakes connections whose messages wait for each other, for as long as it is polled. Without it, they are woken
    /// for each message.
    pub async fn coalesce(&self) {
        self.coalescer.0.lock().is_running = true;
        let running = Running(&self.coalescer);
        loop {
            running.0.filled().await;
            for _ in 0..YIELDS {
                yield_now().await;
            }
            running.0.wake_all();
        }
    }
}
