//! One lesson of a soak, measured.

use std::cell::RefCell;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_simulate::classroom::simulate;
use mesh_simulate::client::Endpoint;
use mesh_simulate::load::Load;
use mesh_simulate::server_use::{Reading, open_files, resident_bytes};

use crate::process::Process;

/// The head of the table that lessons are rows of.
pub(crate) const HEAD: &str =
    "  minute  memory [MB]   files  folder [MB]  p50 [ms]  p99 [ms]   cores  deliveries  faults";

/// One lesson, measured.
pub(crate) struct Lesson {
    /// When it ended, in hours since the soak began.
    pub(crate) hour: f64,
    /// Resident memory of the server, the median, in megabytes.
    pub(crate) memory: f64,
    /// Open files of the server, the most.
    pub(crate) files: f64,
    /// The data folder, the most, in megabytes.
    pub(crate) folder: f64,
    /// Half of the deliveries took no longer, in milliseconds.
    pub(crate) p50: f64,
    /// 99 % of the deliveries took no longer, in milliseconds.
    pub(crate) p99: f64,
    /// Everything that must not happen.
    pub(crate) faults: f64,
    cores: f64,
    deliveries: u64,
}

/// Samples of the server while a lesson goes on.
#[derive(Default)]
struct Samples {
    memory: Vec<u64>,
    files: usize,
    folder: u64,
}

impl Lesson {
    /// Plays a load for so long, with members that leave and come back, and a tenth that polls.
    pub(crate) async fn play(
        server: &Process,
        endpoint: &Arc<Endpoint>,
        folder: &Path,
        load: &Load,
        soak: Instant,
        length: Duration,
    ) -> Self {
        let warm_up_seconds = 2.0;
        let seconds = length.as_secs_f64() - warm_up_seconds;
        let load = Load { polling_share: 0.1, churn: 1.0, warm_up_seconds, seconds, ..load.clone() };
        let samples: RefCell<Samples> = RefCell::default();
        let reading = Reading::of(server.id()).unwrap();
        let watch = |_: &_| samples.borrow_mut().take(server.id(), folder);
        let played = simulate(endpoint.clone(), &load, watch, std::future::pending()).await;
        let report = played.unwrap_or_else(|error| panic!("the lesson could not begin: {error}"));
        for (error, count) in &report.figures.errors {
            println!("  {count} x {error}");
        }
        let mut samples = samples.into_inner();
        let figures = report.figures;
        let delivery = figures.delivery.unwrap_or_default();
        let mutations = figures.mutations.failed + figures.mutations.unsent;
        Self {
            hour: soak.elapsed().as_secs_f64() / 3_600.0,
            memory: samples.median_memory() as f64 / 1e6,
            files: samples.files as f64,
            folder: samples.folder as f64 / 1e6,
            p50: delivery.p50,
            p99: delivery.p99,
            faults: (figures.faults.total() + mutations + figures.connections.dropped) as f64,
            cores: reading.until_now().unwrap().cores,
            deliveries: figures.received,
        }
    }
}

impl Samples {
    fn take(&mut self, process: u32, folder: &Path) {
        self.memory.extend(resident_bytes(process));
        self.files = self.files.max(open_files(process).unwrap_or_default());
        self.folder = self.folder.max(bytes_of(folder));
    }

    fn median_memory(&mut self) -> u64 {
        self.memory.sort_unstable();
        self.memory.get(self.memory.len() / 2).copied().unwrap_or_default()
    }
}

/// The bytes of a folder's files. A file that goes away meanwhile has none.
fn bytes_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

impl fmt::Display for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hour, memory, files, folder, p50, p99, faults, cores, deliveries } = self;
        let minute = hour * 60.0;
        write!(
            f,
            "{minute:8.1} {memory:12.2} {files:7} {folder:12.2} {p50:9.2} {p99:9.2} {cores:7.3} {deliveries:11} {faults:7}"
        )
    }
}
