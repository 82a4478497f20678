//! Mesh beside a floor: how much more than the least does `mesh serve` need?
//!
//! `make bench` runs this. Times depend on the machine and on what else it does; ratios of runs that
//! take turns do much less. [`scenarios`] has the aims.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops where something is amiss")]
#![allow(clippy::cast_precision_loss, reason = "counts of a run stay far below 2^53")]

mod contender;
mod floor;
mod play;
#[path = "../process/mod.rs"]
mod process;
mod scenarios;
mod slow_flush;
mod table;

use std::time::{Duration, Instant};

use contender::{Contender, Kind};
use scenarios::Scenario;
use table::{Samples, Table};

/// Duration and repetitions, from the environment.
struct Effort {
    /// Measured seconds of each run.
    seconds: f64,
    /// Runs of each server.
    repetitions: usize,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [floor, port, rest @ ..] = &arguments[..]
        && floor == contender::FLOOR
    {
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        return floor::serve(port.parse().unwrap(), rest.iter().any(|argument| argument == contender::TLS));
    }
    // Tests run benchmarks too, and have no time for this one.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let effort =
        Effort { seconds: setting("BENCH_SECONDS", 20.0), repetitions: setting("BENCH_REPETITIONS", 3) };
    let chosen = chosen(&arguments, effort.seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let began = Instant::now();
    for scenario in &chosen {
        println!("{}", runtime.block_on(compare(scenario, &effort)));
    }
    eprintln!("{} scenarios in {:.0} s", chosen.len(), began.elapsed().as_secs_f64());
}

/// The scenarios whose names contain one of the words given; all without any.
fn chosen(arguments: &[String], seconds: f64) -> Vec<Scenario> {
    let mut scenarios = scenarios::all(seconds);
    let words: Vec<_> = arguments.iter().filter(|argument| *argument != "--bench").collect();
    for word in &words {
        if !scenarios.iter().any(|scenario| scenario.name.contains(*word)) {
            let names: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
            eprintln!("No scenario is named like '{word}'. There are: {}", names.join(", "));
            std::process::exit(2);
        }
    }
    scenarios.retain(|scenario| words.is_empty() || words.iter().any(|word| scenario.name.contains(*word)));
    scenarios
}

/// Lets the floor and Mesh take turns, each time as a new process.
async fn compare<'a>(scenario: &'a Scenario, effort: &Effort) -> Table<'a> {
    let missing_files = scenario.missing_files();
    if missing_files > 0 {
        return Table::skipped(scenario, missing_files);
    }
    let mut samples = Samples::default();
    for repetition in 1..=effort.repetitions {
        for kind in [Kind::Floor, Kind::Mesh] {
            if kind == Kind::Floor && !scenario.has_floor {
                continue;
            }
            let run = format!("{}: {kind:?}, {repetition} of {}", scenario.name, effort.repetitions);
            eprintln!("{run} ...");
            let contender = Contender::start(kind, scenario.home);
            let began = Instant::now();
            let sample = play::play(&contender, scenario, Duration::from_secs_f64(effort.seconds)).await;
            let (figure, value) = sample[0];
            eprintln!(
                "{run}: {figure} {} after {:.0} s",
                table::number(value),
                began.elapsed().as_secs_f64()
            );
            samples.add(kind, sample);
        }
    }
    Table::of(scenario, samples)
}

/// A setting of the environment.
fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
}
