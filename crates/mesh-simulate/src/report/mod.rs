//! The report of a run: its figures, compared with the objectives.

mod chart;
mod objectives;
mod page;
mod text;
mod verdict;
mod words;

use mesh_core::time::Timestamp;
use serde::Serialize;

use crate::check::Faults;
use crate::load::Load;
use crate::measure::{Latency, Slice};
use crate::number::float;
use crate::server_use::ServerUse;

pub use objectives::{Objective, Objectives};
pub use page::{page, ramp_page};
pub use verdict::Verdict;
pub(crate) use verdict::who;

/// A whole run. Times are in milliseconds unless their names say otherwise.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of the program that made it.
    pub version: &'static str,
    /// When it was made.
    pub finished_at: Timestamp,
    /// The load.
    pub endpoint: String,
    /// With what.
    pub load: Load,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Mutations answered a second, while measured.
    pub mutations_per_second: f64,
    /// Live messages received a second, while measured.
    pub deliveries_per_second: f64,
    /// The server's use of the machine, where it runs on this one and is known.
    pub server: Option<ServerUse>,
    /// Filled in by [`Report::judge`].
    pub objectives: Vec<Objective>,
    /// The sentence that says what all this means. Filled in by [`Report::judge`].
    pub meaning: String,
}

/// The figures of a run.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// True if somebody stopped it before its end.
    pub interrupted: bool,
    /// The seconds that were measured: fewer than the load's where it was stopped.
    pub measured_seconds: f64,
    /// The mutations that were sent.
    pub mutations: Mutations,
    /// Live messages received, warm-up included.
    pub received: u64,
    /// Live messages received while measured.
    pub received_in_window: u64,
    /// From when a mutation was due to its delivery.
    pub delivery: Option<Latency>,
    /// Events received by polls.
    pub polled_events: u64,
    /// From when a batch was due to its arrival by a poll.
    pub poll: Option<Latency>,
    /// The faults.
    pub faults: Faults,
    /// WebSockets.
    pub connections: Connections,
    /// The first different errors, and how often each came.
    pub errors: Vec<(String, u64)>,
    /// The run, slice by slice.
    pub slices: Vec<Slice>,
}

/// The mutations that were sent.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mutations {
    /// Reports and batches, warm-up included.
    pub sent: u64,
    /// Those without a right answer, and nodes that could not join again.
    pub failed: u64,
    /// Those that were due, but not sent before the run was over: the endpoint is far too slow.
    pub unsent: u64,
    /// Those answered while measured.
    pub in_window: u64,
    /// From when they were due to their answers.
    pub latency: Option<Latency>,
    /// From when they were sent to their answers.
    pub answer: Option<Latency>,
    /// From when they were due to when they were sent. A node sends one at a time.
    pub lag: Option<Latency>,
}

/// WebSockets.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    /// Opened, again included.
    pub opened: u64,
    /// Closed by the other side.
    pub dropped: u64,
}

impl Report {
    /// Figures of a run that is just over.
    pub fn new(endpoint: String, load: Load, figures: Figures) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seconds = figures.measured_seconds.max(0.001);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            finished_at: Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX)),
            endpoint,
            mutations_per_second: float(figures.mutations.in_window) / seconds,
            deliveries_per_second: float(figures.received_in_window) / seconds,
            load,
            figures,
            server: None,
            objectives: Vec::new(),
            meaning: String::new(),
        }
    }

    /// Compares it with objectives.
    pub fn judge(&mut self, objectives: &Objectives) {
        self.objectives = objectives.compare(self);
        self.meaning = verdict::meaning(self);
    }

    /// What its figures say of the endpoint.
    pub fn verdict(&self) -> Verdict {
        if self.figures.interrupted {
            Verdict::Interrupted
        } else if self.objectives.iter().all(|objective| objective.is_met) {
            Verdict::Met
        } else {
            Verdict::Missed
        }
    }
}

/// The classroom of a load, as a title.
fn groups(load: &Load) -> String {
    let groups = if load.groups == 1 { "group" } else { "groups" };
    format!("{} {groups} of {} nodes", load.groups, load.nodes)
}

#[cfg(test)]
pub(crate) mod tests;
