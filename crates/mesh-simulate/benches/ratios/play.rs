//! One run of a scenario, measured.

use std::cell::Cell;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use mesh_simulate::classroom::{Snapshot, simulate};
use mesh_simulate::client::operations::{Membership, Operation, SUBSCRIPTION};
use mesh_simulate::client::{CallError, Group, Http, Subscription};
use mesh_simulate::load::Load;
use mesh_simulate::report::Report;
use mesh_simulate::server_use::{Reading, ServerUse, resident_bytes};

use crate::contender::Contender;
use crate::scenarios::{Play, Scenario, figure};

/// The figures of a run, by the names of [`figure`].
pub(crate) type Sample = Vec<(&'static str, f64)>;

/// The number of sockets that are opened at once.
const AT_ONCE: usize = 32;
/// Idle subscriptions of each group, as in a class.
const IDLE_IN_GROUP: usize = 40;

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
        Play::Idle { active, connections } => idle(contender, active, *connections, quiet).await,
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

async fn idle(contender: &Contender, active: &Load, connections: usize, quiet: Duration) -> Sample {
    let resident = || resident_bytes(contender.process()).unwrap() as f64;
    // Before anything: memory that the active load freed would make the idle look cheaper.
    let resident_before = resident();
    let before = observe(contender, active).await;
    let subscriptions = subscribe(contender, connections).await.unwrap();
    let resident_after = resident();
    let reading = Reading::of(contender.process()).unwrap();
    tokio::time::sleep(quiet).await;
    let used = reading.until_now().unwrap();
    let after = observe(contender, active).await;
    drop(subscriptions);
    vec![
        (figure::RESIDENT_PER_CONNECTION, (resident_after - resident_before) / connections as f64 / 1e3),
        (figure::CORES_IDLE, used.cores),
        (figure::P99, before.p99()),
        (figure::P99_BESIDE, after.p99()),
        (figure::P99_GROWTH, after.p99() / before.p99()),
        (figure::FAULTS, before.faults() + after.faults()),
    ]
}

/// Opens subscriptions to groups where nothing happens.
async fn subscribe(contender: &Contender, connections: usize) -> Result<Vec<Subscription>, CallError> {
    let mut http = Http::new(contender.endpoint.clone());
    let mut groups = Vec::new();
    for number in 0..connections.div_ceil(IDLE_IN_GROUP) {
        let domain = "idle".to_owned();
        let create = Operation::create_group("idle", &format!("host {number}"), &domain);
        let created: Membership = http.result(&create).await?;
        groups.push(Group { id: created.id, domain });
    }
    let opening = groups.iter().cycle().take(connections);
    let opening = opening.map(|group| Subscription::open(&contender.endpoint, group, SUBSCRIPTION));
    stream::iter(opening).buffer_unordered(AT_ONCE).try_collect().await
}

/// A run, and what the server used for it.
struct Observed {
    report: Report,
    used: ServerUse,
    /// Messages received while the use was observed.
    received: u64,
}

/// Plays a load; neither the nodes' joining nor the warm-up counts.
async fn observe(contender: &Contender, load: &Load) -> Observed {
    let began: Cell<Option<(Reading, u64)>> = Cell::default();
    let ended: Cell<Option<(ServerUse, u64)>> = Cell::default();
    let watch = |now: &Snapshot| match (now.elapsed, began.get()) {
        (Some(elapsed), None) if elapsed >= load.warm_up() => {
            began.set(Reading::of(contender.process()).map(|reading| (reading, now.received)));
        }
        (Some(elapsed), Some((reading, received))) if elapsed <= load.duration() => {
            ended.set(reading.until_now().map(|used| (used, now.received - received)));
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
