//! What functions need: their real binaries against a small Runtime API and an embedded engine.
//!
//! `make bench-functions` builds all of them and runs this.
//!
//! Everything runs on one machine without TLS, so the figures are a function's own work and the
//! engine's, not the network's.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is amiss")]

mod lesson;
mod runtime_api;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use lesson::{Lesson, OPERATIONS};
use runtime_api::RuntimeApi;

/// How often each function is started, and how many events the last one answers.
const STARTS: usize = 7;
const EVENTS: usize = 400;

/// What was measured of a function.
struct Figures {
    first_answers: Vec<Duration>,
    answers: Vec<Duration>,
    resident_kilobytes: usize,
    zipped_bytes: usize,
}

fn main() {
    // Tests run benchmarks too, and have no time for this one.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(bench());
}

async fn bench() {
    let lesson = Lesson::new().await;
    let api = RuntimeApi::serve().await;
    println!(
        "{:<30} {:>11} {:>8} {:>8} {:>9} {:>9} {:>9}",
        "", "first [ms]", "p50 [ms]", "p99 [ms]", "answers/s", "RSS [MB]", "zip [MB]"
    );
    let bare = binary("bare").unwrap();
    print("bare", &measure(&bare, "bare", &lesson, &api).await);
    for operation in OPERATIONS {
        match binary(operation) {
            Some(path) => print(operation, &measure(&path, operation, &lesson, &api).await),
            None => println!("{operation:<30} is not built"),
        }
    }
}

/// The binary of a function: as it is deployed, or as cargo makes it.
fn binary(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    let release = own.parent().and_then(Path::parent).unwrap();
    let places = [
        release.parent().unwrap().join("lambda").join(name).join("bootstrap"),
        release.join(name),
        release.join("examples").join(name),
    ];
    places.into_iter().find(|place| place.is_file())
}

async fn measure(path: &Path, operation: &str, lesson: &Lesson, api: &RuntimeApi) -> Figures {
    let mut first_answers = Vec::new();
    for _ in 1..STARTS {
        let (mut child, first) = start(path, operation, lesson, api).await;
        first_answers.push(first);
        stop(&mut child).await;
    }
    let (mut child, first) = start(path, operation, lesson, api).await;
    first_answers.push(first);
    let mut answers = Vec::new();
    for _ in 0..EVENTS {
        let event = lesson.event(operation).await;
        answers.push(api.ask(event).await);
    }
    let resident_kilobytes = resident(&child);
    stop(&mut child).await;
    Figures { first_answers, answers, resident_kilobytes, zipped_bytes: zipped(path) }
}

/// Starts a function; answers how long it took until the first answer was there.
async fn start(path: &Path, operation: &str, lesson: &Lesson, api: &RuntimeApi) -> (Child, Duration) {
    let event = lesson.event(operation).await;
    let began = Instant::now();
    let child = Command::new(path)
        .env_clear()
        .envs(lesson.environment(api.address()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    api.ask(event).await;
    (child, began.elapsed())
}

/// Stops a function, and waits until the Runtime API has noticed.
async fn stop(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// The most memory that a process held at a time.
fn resident(child: &Child) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn zipped(path: &Path) -> usize {
    let mut zip = DeflateEncoder::new(Vec::new(), Compression::default());
    zip.write_all(&std::fs::read(path).unwrap()).unwrap();
    zip.finish().unwrap().len()
}

fn print(name: &str, figures: &Figures) {
    let Figures { first_answers, answers, resident_kilobytes, zipped_bytes } = figures;
    let total: Duration = answers.iter().sum();
    println!(
        "{name:<30} {:>11.1} {:>8.2} {:>8.2} {:>9.0} {:>9.1} {:>9.2}",
        millis(first_answers, 50),
        millis(answers, 50),
        millis(answers, 99),
        f64::from(u32::try_from(answers.len()).unwrap()) / total.as_secs_f64(),
        megabytes(resident_kilobytes * 1_024),
        megabytes(*zipped_bytes),
    );
}

/// A percentile in milliseconds.
fn millis(spans: &[Duration], percentile: usize) -> f64 {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() - 1) * percentile / 100].as_secs_f64() * 1_000.0
}

fn megabytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap()) / f64::from(1 << 20)
}
