//! Receiving by polls.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::run::Run;
use super::{GRACE, LINGER, LOOK, Receiver};
use crate::check::{Faults, Inbox, PolledEvent, Room};
use crate::client::Http;
use crate::client::operations::{Operation, PollAnswer};
use crate::measure::Measure;

/// A poll answers at most so many events; the rest is asked for at once.
const FULL: usize = 100;

/// Polls every `polling` in a task of its own.
pub(super) fn start(run: &Arc<Run>, room: &Arc<Room>, polling: Duration) -> Receiver {
    let (until, told) = watch::channel(None);
    let poller = Polling {
        run: run.clone(),
        room: room.clone(),
        http: Http::new(run.endpoint.clone()),
        inbox: Inbox::new(room.clone(), run.micros(), true),
        counted: 0,
        since: String::new(),
    };
    let task = tokio::spawn(poller.run(polling, told));
    Receiver { until, task }
}

/// A node without a WebSocket.
struct Polling {
    run: Arc<Run>,
    room: Arc<Room>,
    http: Http,
    inbox: Inbox,
    counted: u64,
    since: String,
}

impl Polling {
    async fn run(mut self, polling: Duration, mut told: watch::Receiver<Option<u64>>) -> Faults {
        let mut ticks = interval_at(Instant::now() + polling, polling);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.poll().await,
                _ = told.changed() => break,
            }
        }
        let until = told.borrow().unwrap_or_default();
        let began = Instant::now();
        loop {
            self.poll().await;
            let is_complete = began.elapsed() >= LINGER && self.inbox.missing(until) == 0;
            if is_complete || began.elapsed() >= GRACE {
                return self.inbox.close(until);
            }
            sleep(LOOK).await;
        }
    }

    /// Asks for everything new.
    async fn poll(&mut self) {
        loop {
            let poll = Operation::poll_group_data(&self.room.group, &self.since);
            let polled: PollAnswer = match self.http.result(&poll).await {
                Ok(polled) => polled,
                Err(error) => return self.run.failed("poll", &error),
            };
            for event in &polled.events {
                let taken = PolledEvent { payload: event.payload.as_deref(), timestamp: &event.timestamp };
                let due = self.inbox.take_polled(&taken, &event.fired_by_node_id);
                self.run.received(&self.room, due, Measure::Poll);
                self.since.clone_from(&event.cursor);
            }
            self.run.count_faulty(&self.inbox, &mut self.counted);
            if polled.events.len() < FULL {
                return;
            }
        }
    }
}
