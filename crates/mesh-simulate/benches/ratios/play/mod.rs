//! One run of a scenario, measured.

mod beside;
mod calls;
mod joins;

use std::cell::Cell;
use std::time::Duration;

use mesh_simulate::classroom::{Snapshot, simulate};
use mesh_simulate::load::Load;
use mesh_simulate::report::Report;
use mesh_simulate::server_use::{Reading, ServerUse};

use crate::contender::Contender;
use crate::scenarios::{Play, Scenario, figure};

/// The figures of a run, by the names of [`figure`].
pub(crate) type Sample = Vec<(&'static str, f64)>;

/// The number of sockets that are opened at once.
const AT_ONCE: usize = 32;

/// Plays a scenario against a server that has just begun.
pub(crate) async fn play(contender: &Contender, scenario: &Scenario, quiet: Duration) -> Sample {
    match &scenario.play {
        Play::One(load) => one(contender, load).await,
        Play::Growth { small, large } => {
            let small = observe(contender, small).await;
            let large = observe(contender, large).await;
            vec![
                (figure::CPU_SMALL, small.cpu_per_delivery()),
                (figure::CPU_LARGE, large.cpu_per_delivery()),
                (figure::FAULTS, small.faults() + large.faults()),
            ]
        }
        Play::Idle { active, connections } => beside::idle(contender, active, *connections, quiet).await,
        Play::Boards { active, boards } => beside::boards(contender, active, *boards).await,
        Play::Joins { classes, nodes } => joins::joins(contender, *classes, *nodes).await,
        Play::Handshakes => calls::handshakes(contender).await,
        Play::Reads { groups, nodes } => calls::reads(contender, *groups, *nodes, quiet).await,
    }
}

async fn one(contender: &Contender, load: &Load) -> Sample {
    let observed = observe(contender, load).await;
    vec![
        (figure::MUTATIONS, observed.report.mutations_per_second),
        (figure::CPU, observed.cpu_per_delivery()),
        (figure::P99, observed.p99()),
        (figure::CORES, observed.used.cores),
        (figure::RESIDENT, observed.used.resident_bytes as f64 / 1e6),
        (figure::FAULTS, observed.faults()),
    ]
}

/// A run, and what the server used for it.
struct Observed {
    report: Report,
    used: ServerUse,
    /// Messages and polled events received while the use was observed.
    received: u64,
}

/// Plays a load; neither the nodes' joining nor the warm-up counts.
async fn observe(contender: &Contender, load: &Load) -> Observed {
    let began: Cell<Option<(Reading, u64)>> = Cell::default();
    let ended: Cell<Option<(ServerUse, u64)>> = Cell::default();
    let watch = |now: &Snapshot| match (now.elapsed, began.get()) {
        (Some(elapsed), None) if elapsed >= load.warm_up() => {
            began.set(Reading::of(contender.process()).map(|reading| (reading, now.received + now.polled)));
        }
        (Some(elapsed), Some((reading, received))) if elapsed <= load.duration() => {
            ended.set(reading.until_now().map(|used| (used, now.received + now.polled - received)));
        }
        _ => {}
    };
    let played = simulate(contender.endpoint.clone(), load, watch, std::future::pending()).await;
    let report = played.unwrap_or_else(|error| panic!("the load could not begin: {error}"));
    for (error, count) in &report.figures.errors {
        eprintln!("  {count} x {error}");
    }
    let (used, received) = ended.get().unwrap_or_else(|| panic!("BENCH_SECONDS must be 1 or more"));
    Observed { report, used, received }
}

impl Observed {
    /// In microseconds.
    fn cpu_per_delivery(&self) -> f64 {
        self.used.cpu_seconds * 1e6 / self.received as f64
    }

    /// In milliseconds.
    fn p99(&self) -> f64 {
        self.report.figures.delivery.unwrap_or_default().p99
    }

    /// Everything that must not happen.
    fn faults(&self) -> f64 {
        let figures = &self.report.figures;
        let mutations = figures.mutations.failed + figures.mutations.unsent;
        (figures.faults.total() + mutations + figures.connections.dropped) as f64
    }
}
