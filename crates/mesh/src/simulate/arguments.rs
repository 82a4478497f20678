//! The options of `mesh simulate`.

use std::path::PathBuf;

use clap::Args;
use mesh_simulate::load::Load;
use mesh_simulate::report::Objectives;

use crate::endpoint::TrustArguments;

const EXAMPLES: &str = "\
Examples:
  mesh simulate
      10 groups of 40 nodes for a minute, against a server of its own: what can this machine do?
  mesh simulate --endpoint http://192.168.1.20:4000/graphql --api-key KEY --groups 1 --nodes 35
      one class against the laptop that serves it, over the room's network
  mesh simulate --endpoint https://192.168.1.20:4000/graphql --api-key KEY --tls-fingerprint AB:CD:...
      the same, encrypted, with the fingerprint that mesh serve --tls printed
  mesh simulate --ramp --seconds 10
      more and more, until the objectives break: where is the knee?
  mesh simulate --seconds 10 --json --report nightly
      for a script: JSON on standard output, nightly.html and nightly.json, exit code 1 when missed

Every delivery is checked. Latencies count from when a mutation was due, not from when it could be sent,
so a slow server cannot hide. The verdict is the exit code: 0 when all objectives are met, 1 when not,
130 when it was stopped before its end (Ctrl-C), which is no verdict.";

/// The arguments of `mesh simulate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Arguments {
    /// Where Mesh is, as `http://192.168.1.20:4000/graphql` [default: a server of its own, in memory]
    #[arg(long, value_name = "URL", requires = "api_key")]
    pub(super) endpoint: Option<String>,

    /// The endpoint's key
    #[arg(long, value_name = "KEY", env = "MESH_API_KEY", hide_env_values = true)]
    pub(super) api_key: Option<String>,

    /// Do not ask before a run that costs money
    #[arg(long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(super) trust: TrustArguments,

    #[command(flatten)]
    load: LoadArguments,

    #[command(flatten)]
    pub(super) outcome: OutcomeArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The classroom")]
struct LoadArguments {
    /// Groups
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count)]
    groups: usize,

    /// Nodes of each group, its host included
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = count)]
    nodes: usize,

    /// Reports of changed values a second, in each group
    #[arg(long, value_name = "RATE", default_value = "15", value_parser = rate)]
    data_rate: f64,

    /// Batches of events a second, in each group
    #[arg(long, value_name = "RATE", default_value = "2", value_parser = rate)]
    event_rate: f64,

    /// Variables in each report
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    values: usize,

    /// Events in each batch
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    events: usize,

    /// Which share of the members has no WebSocket and polls, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = share)]
    polling_share: f64,

    /// How many members leave and join again, as 1/s or 30/min
    #[arg(long, value_name = "RATE", default_value = "0/s", value_parser = churn)]
    churn: f64,

    /// Measured seconds; of each step with --ramp
    #[arg(long, value_name = "S", default_value = "60", value_parser = seconds)]
    seconds: f64,

    /// Seconds of the same load before: checked, not measured
    #[arg(long, value_name = "S", default_value = "2", value_parser = rate)]
    warm_up_seconds: f64,

    /// Raise the load until the objectives break, and name the knee
    #[arg(long)]
    ramp: bool,

    /// Full speed instead of the rates, whose ratio is kept: each connection has one mutation under way
    #[arg(long, conflicts_with_all = ["ramp", "churn"])]
    max: bool,

    /// Connections for mutations with --max
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = count, requires = "max")]
    connections: usize,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Objectives and reports")]
pub(super) struct OutcomeArguments {
    /// The most that 99 % of deliveries may take; polled events may take a polling interval more
    #[arg(long, value_name = "MS", default_value = "250", value_parser = rate)]
    p99_ms: f64,

    /// Print the report as JSON
    #[arg(long)]
    pub(super) json: bool,

    /// Name of the page and the JSON report that are written: NAME.html, NAME.json
    #[arg(long, value_name = "NAME", default_value = "mesh-simulation")]
    pub(super) report: PathBuf,
}

/// The polling interval of a server that does not say another one, in milliseconds.
const POLLING_MILLIS: f64 = 2_000.0;

impl Arguments {
    pub(super) fn load(&self) -> Load {
        let given = &self.load;
        Load {
            groups: given.groups,
            nodes: given.nodes,
            data_rate: given.data_rate,
            event_rate: given.event_rate,
            values: given.values,
            events: given.events,
            polling_share: given.polling_share,
            churn: given.churn,
            warm_up_seconds: given.warm_up_seconds,
            seconds: given.seconds,
            max_connections: given.max.then_some(given.connections),
        }
    }

    pub(super) fn ramp(&self) -> bool {
        self.load.ramp
    }

    pub(super) fn objectives(&self) -> Objectives {
        let delivery_p99_millis = self.outcome.p99_ms;
        Objectives { delivery_p99_millis, poll_p99_millis: delivery_p99_millis + POLLING_MILLIS }
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "a whole number above 0 is wanted".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let in_range = |rate: &f64| (0.0..=1e6).contains(rate);
    text.parse().ok().filter(in_range).ok_or_else(|| "a number from 0 to 1000000 is wanted".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    rate(text).ok().filter(|share| *share <= 1.0).ok_or_else(|| "a number from 0 to 1 is wanted".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let in_range = |seconds: &f64| (0.1..=86_400.0).contains(seconds);
    rate(text).ok().filter(in_range).ok_or_else(|| "seconds from 0.1 to 86400 are wanted".to_owned())
}

/// A rate a second, or a minute.
fn churn(text: &str) -> Result<f64, String> {
    match text.split_once('/') {
        None | Some((_, "s")) => rate(text.trim_end_matches("/s")),
        Some((count, "min")) => rate(count).map(|count| count / 60.0),
        Some(_) => Err("a rate as 1/s or 30/min is wanted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, expected) in [("1/s", 1.0), ("30/min", 0.5), ("2", 2.0), ("0/s", 0.0)] {
            assert_eq!(churn(text), Ok(expected), "{text}");
        }
        for text in ["", "/s", "1/h", "-1/s", "x", "NaN", "inf"] {
            assert!(churn(text).is_err(), "{text}");
        }
        assert!(share("1.1").is_err() && seconds("0").is_err() && count("0").is_err());
    }
}
