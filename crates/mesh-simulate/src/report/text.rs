//! The report in a terminal.

use std::fmt;

use super::Report;
use crate::measure::Latency;

/// The report as people read it in a terminal.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (load, figures) = (&self.load, &self.figures);
        writeln!(f, "{} groups of {} nodes against {}", load.groups, load.nodes, self.endpoint)?;
        if figures.interrupted {
            writeln!(f, "stopped before its end; rates are too low")?;
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
            "  {:<26}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "milliseconds", "p50", "p95", "p99", "p99.9", "max"
        )?;
        row(f, "due to delivered", figures.delivery)?;
        row(f, "due to answered", figures.mutations.latency)?;
        row(f, "sent to answered", figures.mutations.answer)?;
        row(f, "due to polled", figures.poll)?;
        writeln!(f)?;
        let faults: Vec<_> =
            figures.faults.named().iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(f, "  deliveries: {}", faults.join(", "))?;
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
            writeln!(f, "  {mark} {name}: {found} (demanded: {demanded})")?;
        }
        if self.objectives.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        writeln!(f, "{}", if self.is_met() { "All objectives are met." } else { "Objectives are missed." })
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, latency: Option<Latency>) -> fmt::Result {
    let Some(Latency { p50, p95, p99, p999, max }) = latency else { return Ok(()) };
    writeln!(f, "  {name:<26}{p50:>9.2}{p95:>9.2}{p99:>9.2}{p999:>9.2}{max:>9.2}")
}
