//! A soak: does anything grow while lessons come and go, for hours?
//!
//! `make soak MINUTES=120` runs this. One `mesh serve` with a data folder carries the seed's load, or that times
//! `LOAD`, in lesson after lesson: members leave and join again, some poll. [`hostile`] clients call beside them.
//! Each lesson is a row; the last table is the drift of memory, files and latency. A lost, doubled or
//! reordered message is an error, a data folder of 64 MB, and in an hour or more also memory that grows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a soak stops where something is amiss")]
#![allow(clippy::cast_precision_loss, reason = "counts of a run stay far below 2^53")]

mod drift;
mod hostile;
mod lesson;
#[path = "../process/mod.rs"]
mod process;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drift::Drifts;
use hostile::Hostile;
use lesson::Lesson;
use mesh_simulate::client::{Endpoint, Trust};
use mesh_simulate::load::Load;
use process::{API_KEY, Process, mesh_serve};

/// Memory may grow by so much in an hour, in megabytes.
const MEMORY_GROWTH: f64 = 1.0;
/// The data folder may have so much, in megabytes.
const MOST_FOLDER: f64 = 64.0;
/// Shorter soaks say nothing of an hour.
const JUDGED_FROM: Duration = Duration::from_hours(1);
/// A lesson is a twentieth of the soak, within these bounds; a group ends by itself after 35 minutes.
const LESSON: (Duration, Duration) = (Duration::from_secs(20), Duration::from_mins(5));

fn main() -> ExitCode {
    // Tests run benchmarks too, and have no time for this one.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let minutes = number("SOAK_MINUTES", 10.0);
    let load = Load::seed().times(number("SOAK_LOAD", 1.0));
    let whole = Duration::try_from_secs_f64(minutes * 60.0).unwrap_or_else(|error| panic!("{error}"));
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lessons = runtime.block_on(soak(whole, &load));
    judge(&lessons, whole)
}

/// The number in a variable of the environment.
fn number(name: &str, otherwise: f64) -> f64 {
    let Ok(text) = std::env::var(name) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
}

/// Plays lessons for so long, at least two.
async fn soak(whole: Duration, load: &Load) -> Vec<Lesson> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut command = mesh_serve();
    command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
    let server = Process::start(command);
    let endpoint = Arc::new(Endpoint::new(&server.url, API_KEY, &Trust::System).unwrap());
    let hostile = Hostile::start(&endpoint);
    let length = (whole / 20).clamp(LESSON.0, LESSON.1);
    println!("{}", lesson::HEAD);
    let began = Instant::now();
    let mut lessons = Vec::new();
    while lessons.len() < 2 || began.elapsed() + length <= whole {
        let lesson = Lesson::play(&server, &endpoint, folder.path(), load, began, length).await;
        println!("{lesson}");
        lessons.push(lesson);
    }
    println!("\nbeside them: {}", hostile.counts());
    lessons
}

/// Prints the drift, and says whether all is well.
fn judge(lessons: &[Lesson], whole: Duration) -> ExitCode {
    let drifts = Drifts::of(lessons);
    println!("\n{drifts}");
    let faults: f64 = lessons.iter().map(|lesson| lesson.faults).sum();
    let grows = whole >= JUDGED_FROM && drifts.memory_per_hour() > MEMORY_GROWTH;
    println!("lost, doubled, reordered, refused: {faults}: {}", if faults == 0.0 { "met" } else { "MISSED" });
    let folder = lessons.iter().map(|lesson| lesson.folder).fold(0.0, f64::max);
    let is_long = folder >= MOST_FOLDER;
    println!(
        "data folder at most {folder:.1} of {MOST_FOLDER} MB: {}",
        if is_long { "MISSED" } else { "met" }
    );
    if whole >= JUDGED_FROM {
        println!("memory grows by at most {MEMORY_GROWTH} MB/h: {}", if grows { "MISSED" } else { "met" });
    }
    if faults > 0.0 || is_long || grows { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
