//! Receiving over a WebSocket, and over the next one when it breaks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::run::{Run, count};
use super::{GRACE, LINGER, LOOK, Receiver};
use crate::check::{Faults, Frame, Inbox, Room};
use crate::client::operations::SUBSCRIPTION;
use crate::client::{CallError, Subscription};
use crate::measure::Measure;

/// The pause of clients before they connect again, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// Subscribes, and receives in a task of its own.
pub(super) async fn start(run: &Arc<Run>, room: &Arc<Room>) -> Result<Receiver, CallError> {
    let subscription = Subscription::open(&run.endpoint, &room.group, SUBSCRIPTION).await?;
    count(&run.counts.opened);
    let (until, told) = watch::channel(None);
    let listening = Listening::new(run, room);
    let task = tokio::spawn(listening.run(subscription, told));
    Ok(Receiver { until, task })
}

/// The frames of one WebSocket.
struct Listening {
    run: Arc<Run>,
    room: Arc<Room>,
    inbox: Inbox,
    counted: u64,
}

impl Listening {
    fn new(run: &Arc<Run>, room: &Arc<Room>) -> Self {
        let inbox = Inbox::new(room.clone(), run.micros(), false);
        Self { run: run.clone(), room: room.clone(), inbox, counted: 0 }
    }

    /// Receives until its time is over; connects again when the connection breaks, as clients do.
    async fn run(mut self, mut subscription: Subscription, mut told: watch::Receiver<Option<u64>>) -> Faults {
        let mut faults = Faults::default();
        loop {
            let broken = tokio::select! {
                broken = self.receive(&mut subscription) => broken,
                _ = told.changed() => {
                    let until = told.borrow().unwrap_or_default();
                    faults += self.drain(&mut subscription, until).await;
                    subscription.close().await;
                    return faults;
                }
            };
            count(&self.run.counts.dropped);
            self.run.failed("a WebSocket", &broken);
            // Messages that were published while there was no connection need not be delivered.
            faults += self.inbox.close(self.run.micros());
            let again = tokio::select! {
                again = connect_again(&self.run, &self.room) => again,
                _ = told.changed() => return faults,
            };
            subscription = again;
            self = Self::new(&self.run, &self.room);
        }
    }

    async fn receive(&mut self, subscription: &mut Subscription) -> CallError {
        loop {
            match subscription.next().await {
                Ok(text) => self.take(&text),
                Err(error) => return error,
            }
        }
    }

    /// Waits for what is missing, and a little in case something comes twice.
    async fn drain(mut self, subscription: &mut Subscription, until: u64) -> Faults {
        let began = Instant::now();
        let mut looked = began;
        while began.elapsed() < GRACE {
            match timeout(LOOK, subscription.next()).await {
                Ok(Ok(text)) => self.take(&text),
                Ok(Err(_)) => break,
                Err(_) => {}
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                if began.elapsed() >= LINGER && self.inbox.missing(until) == 0 {
                    break;
                }
            }
        }
        self.inbox.close(until)
    }

    fn take(&mut self, text: &str) {
        match serde_json::from_str::<Frame>(text) {
            Ok(frame) if frame.kind == "ka" => return,
            Ok(frame) => match frame.into_message() {
                Some(message) => {
                    let due = self.inbox.take(&message);
                    self.run.received(&self.room, due, Measure::Delivery);
                }
                None => self.inbox.take_damaged(),
            },
            Err(_) => self.inbox.take_damaged(),
        }
        self.run.count_faulty(&self.inbox, &mut self.counted);
    }
}

async fn connect_again(run: &Run, room: &Room) -> Subscription {
    let (mut wait, most) = BACK_OFF;
    loop {
        sleep(wait).await;
        match Subscription::open(&run.endpoint, &room.group, SUBSCRIPTION).await {
            Ok(subscription) => {
                count(&run.counts.opened);
                return subscription;
            }
            Err(error) => run.failed("to connect a WebSocket again", &error),
        }
        wait = (wait * 2).min(most);
    }
}
