//! What a run means, in a word and in a sentence.

use super::Report;
use crate::load::Load;

/// What the figures of a run say of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It meets all objectives.
    Met,
    /// It does not.
    Missed,
    /// Nobody knows: the run was stopped before its end.
    Interrupted,
}

impl Verdict {
    /// The line that stands under the figures.
    pub(super) fn line(self) -> &'static str {
        match self {
            Self::Met => "All objectives are met.",
            Self::Missed => "Objectives are missed.",
            Self::Interrupted => "Interrupted: no verdict.",
        }
    }

    /// The class of the page's style.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Interrupted => "",
        }
    }
}

/// One sentence for people who read nothing else.
pub(super) fn meaning(report: &Report) -> String {
    let (who, classes) = (who(&report.endpoint), classes(&report.load));
    match report.verdict() {
        Verdict::Met => {
            let within = report.figures.delivery.map(|latency| {
                format!(": 99 of 100 messages arrived within {:.0} ms, and none was lost", latency.p99.ceil())
            });
            format!("{who} carries {classes} at once{}.", within.unwrap_or_default())
        }
        Verdict::Missed => {
            let missed = report.objectives.iter().find(|objective| !objective.is_met);
            let why =
                missed.map(|missed| format!(": {} {} ({})", missed.name, missed.found, missed.demanded));
            format!("{who} does not carry {classes} at once{}.", why.unwrap_or_default())
        }
        Verdict::Interrupted => format!(
            "Stopped after {:.0} of {:.0} seconds: what is above was measured until then, and is no verdict.",
            report.figures.measured_seconds, report.load.seconds
        ),
    }
}

/// The machine that was asked.
pub(crate) fn who(endpoint: &str) -> &'static str {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let is_here = ["127.", "localhost", "[::1]"].iter().any(|here| host.starts_with(here));
    if is_here { "This machine" } else { "The endpoint" }
}

fn classes(load: &Load) -> String {
    match load.groups {
        1 => format!("a class of {}", load.nodes),
        groups => format!("{groups} classes of {}", load.nodes),
    }
}
