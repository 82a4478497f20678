//! The report in a terminal, at most 60 columns wide: that of a phone, and of a window beside another.

use std::fmt;

use super::words::WORDS;
use super::{Report, groups};
use crate::measure::Latency;

/// The report as people read it in a terminal.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (load, figures) = (&self.load, &self.figures);
        writeln!(f, "{} against", groups(load))?;
        writeln!(f, "{}", self.endpoint)?;
        if figures.interrupted {
            writeln!(f, "stopped after {:.1} of {:.0} seconds", figures.measured_seconds, load.seconds)?;
        }
        writeln!(f)?;
        let rate = |count, rate| format!("{count:>12}   {rate:.1} a second");
        writeln!(f, "  mutations  {}", rate(figures.mutations.sent, self.mutations_per_second))?;
        writeln!(f, "  deliveries {}", rate(figures.received, self.deliveries_per_second))?;
        if figures.polled_events > 0 {
            writeln!(f, "  polled     {:>12}", figures.polled_events)?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "  {:<16}{:>8}{:>8}{:>8}{:>8}{:>8}",
            "milliseconds", "p50", "p95", "p99", "p99.9", "max"
        )?;
        row(f, "due to delivered", figures.delivery)?;
        row(f, "due to answered", figures.mutations.latency)?;
        row(f, "sent to answered", figures.mutations.answer)?;
        row(f, "due to polled", figures.poll)?;
        writeln!(f)?;
        let faults: Vec<_> =
            figures.faults.named().iter().map(|(name, count)| format!("{count} {name}")).collect();
        for (name, faults) in ["deliveries:", ""].iter().zip(faults.chunks(3)) {
            writeln!(f, "  {name:<11} {}", faults.join(", "))?;
        }
        let connections = &figures.connections;
        writeln!(f, "  WebSockets: {} opened, {} broken", connections.opened, connections.dropped)?;
        if let Some(server) = &self.server {
            writeln!(f, "  server:     {server}")?;
        }
        for (error, count) in &figures.errors {
            writeln!(f, "  {count} x {error}")?;
        }
        writeln!(f)?;
        for objective in &self.objectives {
            let mark = if objective.is_met { "met   " } else { "MISSED" };
            let (name, demanded, found) = (objective.name, &objective.demanded, &objective.found);
            writeln!(f, "  {mark} {name}: {found} ({demanded})")?;
        }
        writeln!(f)?;
        for (word, meaning) in WORDS {
            writeln!(f, "  {word:<14}{meaning}")?;
        }
        if self.objectives.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        writeln!(f, "{}", self.meaning)?;
        writeln!(f, "{}", self.verdict().line())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, latency: Option<Latency>) -> fmt::Result {
    let Some(Latency { p50, p95, p99, p999, max }) = latency else { return Ok(()) };
    writeln!(f, "  {name:<16}{p50:>8.1}{p95:>8.1}{p99:>8.1}{p999:>8.1}{max:>8.1}")
}
