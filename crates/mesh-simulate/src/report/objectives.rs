//! The objectives of a run, and their results.

use serde::Serialize;

use super::Report;

/// The objectives of a run, beside the correctness of every delivery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objectives {
    /// The most that 99 % of deliveries may take, in milliseconds since their mutation was due.
    pub delivery_p99_millis: f64,
    /// The most that 99 % of polled events may take.
    pub poll_p99_millis: f64,
}

/// One objective and what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Objective {
    /// The figure's name.
    pub name: &'static str,
    /// The demand, for people.
    pub demanded: String,
    /// The result, for people.
    pub found: String,
    /// True if the result meets the demand.
    pub is_met: bool,
}

impl Objectives {
    pub(super) fn compare(&self, report: &Report) -> Vec<Objective> {
        let figures = &report.figures;
        let mut all = Vec::new();
        let mut none = |name, found: u64, what: String| {
            let found_text = if found == 0 { "none".to_owned() } else { what };
            all.push(Objective {
                name,
                demanded: "none allowed".to_owned(),
                found: found_text,
                is_met: found == 0,
            });
        };
        let faults = figures.faults.named().into_iter().filter(|(_, count)| *count > 0);
        let faults: Vec<_> = faults.map(|(name, count)| format!("{count} {name}")).collect();
        none("faulty deliveries", figures.faults.total(), faults.join(", "));
        none("failed mutations", figures.mutations.failed, figures.mutations.failed.to_string());
        none("mutations never sent", figures.mutations.unsent, figures.mutations.unsent.to_string());
        none("broken WebSockets", figures.connections.dropped, figures.connections.dropped.to_string());
        let mut at_most = |name, limit: f64, found: Option<f64>| {
            all.push(Objective {
                name,
                demanded: format!("at most {limit:.0} ms"),
                found: found.map_or("nothing arrived".to_owned(), |found| format!("{found:.1} ms")),
                is_met: found.is_some_and(|found| found <= limit),
            });
        };
        if report.load.deliveries_per_second() > 0.0 {
            let p99 = figures.delivery.map(|latency| latency.p99);
            at_most("delivery p99", self.delivery_p99_millis, p99);
        }
        if figures.poll.is_some() {
            let p99 = figures.poll.map(|latency| latency.p99);
            at_most("polled event p99", self.poll_p99_millis, p99);
        }
        all
    }
}
