//! The state that all tasks of a run share, and its progress.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::check::{Faults, Inbox, Room};
use crate::client::{CallError, Endpoint};
use crate::load::Load;
use crate::measure::{Measure, Recorder, Slice};
use crate::report::{Connections, Figures, Mutations, Report};

/// Different errors that a report lists.
const MAX_ERRORS: usize = 10;

/// The progress of a run.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// Since the first mutation; none while nodes join.
    pub elapsed: Option<Duration>,
    /// Nodes that have joined.
    pub joined: u64,
    /// Mutations sent.
    pub sent: u64,
    /// Mutations that failed.
    pub failed: u64,
    /// Messages received.
    pub received: u64,
    /// Events received by polls.
    pub polled: u64,
    /// Deliveries with a fault, so far.
    pub faulty: u64,
    /// The last slice that is over.
    pub slice: Option<Slice>,
}

/// The state that all tasks of a run share.
pub(super) struct Run {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) load: Load,
    pub(super) rooms: Vec<Arc<Room>>,
    pub(super) recorder: Recorder,
    pub(super) stopped: watch::Sender<bool>,
    pub(super) counts: Counters,
    /// Receivers of nodes that left, still waiting for what is under way.
    pub(super) finishing: Mutex<Vec<JoinHandle<Faults>>>,
    began: OnceLock<Beginning>,
    errors: Mutex<Vec<(String, u64)>>,
}

struct Beginning {
    at: Instant,
    millis_since_epoch: i64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) joined: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) unsent: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) polled: AtomicU64,
    pub(super) faulty: AtomicU64,
    pub(super) opened: AtomicU64,
    pub(super) dropped: AtomicU64,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Run {
    pub(super) fn new(endpoint: Arc<Endpoint>, load: Load, rooms: Vec<Arc<Room>>) -> Self {
        Self {
            endpoint,
            recorder: Recorder::new(load.warm_up(), load.duration()),
            load,
            rooms,
            stopped: watch::Sender::new(false),
            counts: Counters::default(),
            finishing: Mutex::default(),
            began: OnceLock::new(),
            errors: Mutex::default(),
        }
    }

    /// From now on mutations are due.
    pub(super) fn begin(&self) {
        let at = Instant::now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis_since_epoch = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        self.began.get_or_init(|| Beginning { at, millis_since_epoch });
    }

    /// Since the beginning; nothing before it.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.get().map(|began| began.at.elapsed()).unwrap_or_default()
    }

    /// The same in microseconds.
    pub(super) fn micros(&self) -> u64 {
        micros(self.elapsed())
    }

    /// Waits for a moment since the beginning; false if the run was stopped before.
    pub(super) async fn reaches(&self, moment: Duration) -> bool {
        let Some(began) = self.began.get() else { return false };
        let mut stopped = self.stopped.subscribe();
        if *stopped.borrow_and_update() {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep_until(began.at + moment) => true,
            _ = stopped.changed() => false,
        }
    }

    /// A moment since the beginning by the wall clock, in milliseconds since the Unix epoch.
    pub(super) fn wall_millis(&self, moment: Duration) -> i64 {
        let began = self.began.get().map_or(0, |began| began.millis_since_epoch);
        began + i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
    }

    /// Notes an error; the first of each kind are reported.
    pub(super) fn failed(&self, doing: &str, error: &CallError) {
        let text = format!("{doing}: {error}");
        let mut errors = self.errors.lock();
        if let Some((_, count)) = errors.iter_mut().find(|(known, _)| *known == text) {
            *count += 1;
        } else if errors.len() < MAX_ERRORS {
            errors.push((text, 1));
        }
    }

    /// Notes what a receiver got, and when it was due if that is to be measured.
    pub(super) fn received(&self, room: &Room, due_micros: Option<u64>, measure: Measure) {
        count(if measure == Measure::Poll { &self.counts.polled } else { &self.counts.received });
        if let Some(due) = due_micros {
            self.recorder.took(room.index, measure, Duration::from_micros(due), self.elapsed());
        }
    }

    /// Adds what became faulty in an inbox since it was counted last.
    pub(super) fn count_faulty(&self, inbox: &Inbox, counted: &mut u64) {
        let total = inbox.faults().total();
        if total > *counted {
            self.counts.faulty.fetch_add(total - *counted, Ordering::Relaxed);
            *counted = total;
        }
    }

    /// Reads the progress of the run.
    pub(super) fn snapshot(&self) -> Snapshot {
        let now = self.began.get().map(|began| began.at.elapsed());
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            elapsed: now,
            joined: read(&self.counts.joined),
            sent: read(&self.counts.sent),
            failed: read(&self.counts.failed),
            received: read(&self.counts.received),
            polled: read(&self.counts.polled),
            faulty: read(&self.counts.faulty),
            slice: now.and_then(|now| self.recorder.slice_before(now)),
        }
    }

    /// The report of the run, which found these faults, and was stopped at a moment if it did not reach its end.
    pub(super) fn report(&self, faults: Faults, stopped_at: Option<Duration>) -> Report {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let in_window = self.recorder.in_window();
        let latency = |measure| self.recorder.latency(measure);
        let figures = Figures {
            interrupted: stopped_at.is_some(),
            measured_seconds: stopped_at
                .map_or(self.load.duration(), |at| at.min(self.load.duration()))
                .saturating_sub(self.load.warm_up())
                .as_secs_f64(),
            mutations: Mutations {
                sent: read(&self.counts.sent),
                failed: read(&self.counts.failed),
                unsent: read(&self.counts.unsent),
                in_window: in_window.mutations,
                latency: latency(Measure::Mutation),
                answer: latency(Measure::Answer),
                lag: latency(Measure::Lag),
            },
            received: read(&self.counts.received),
            received_in_window: in_window.deliveries,
            delivery: latency(Measure::Delivery),
            polled_events: read(&self.counts.polled),
            poll: latency(Measure::Poll),
            faults,
            connections: Connections {
                opened: read(&self.counts.opened),
                dropped: read(&self.counts.dropped),
            },
            errors: self.errors.lock().clone(),
            slices: self.recorder.slices(),
        };
        Report::new(self.endpoint.url(), self.load.clone(), figures)
    }
}

pub(super) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
