//! The price of the same work in the cloud.

use mesh_cost::{Consumption, TOKYO};
use serde::Serialize;

use crate::metrics::Metrics;
use crate::realtime::hub;

/// The counts since the server started.
pub(super) struct Usage<'a> {
    /// Requests.
    pub(super) metrics: &'a Metrics,
    /// Messages and connections.
    pub(super) hub: hub::HubCounts,
}

/// Dollars since the server started, and what was counted.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bill {
    pub(super) dollars: f64,
    pub(super) requests: u64,
    /// Messages delivered, each counted by its steps of 5 kB.
    pub(super) messages: u64,
    pub(super) connection_minutes: f64,
    pub(super) units: f64,
    pub(super) region: &'static str,
    pub(super) date: &'static str,
}

impl Usage<'_> {
    pub(super) fn bill(&self) -> Bill {
        let mut used = Consumption::default();
        self.metrics.operations(|operation, count| used += Consumption::of_calls(operation, count));
        used.messages = self.hub.steps + self.hub.operations;
        used.connection_minutes = self.hub.connected.as_secs_f64() / 60.0;
        used.sent_bytes = self.hub.sent_bytes;
        Bill {
            dollars: TOKYO.cost(&used).total(),
            requests: used.requests,
            messages: used.messages,
            connection_minutes: used.connection_minutes,
            units: used.read_units + used.write_units,
            region: TOKYO.region,
            date: TOKYO.date,
        }
    }
}
