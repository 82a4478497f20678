//! The price of the cloud: quantities times list prices, by part.
//!
//! Nothing is counted here. Who counts (the server its requests and deliveries, a program a lesson that
//! it plays) fills in a [`Consumption`] and asks [`Prices::cost`].
//!
//! ```
//! use mesh_cost::{Consumption, TOKYO, steps};
//!
//! let reports = Consumption::of_calls("reportDataByNode", 1_000);
//! let deliveries = Consumption { messages: 40_000 * steps(600), ..Consumption::default() };
//! assert!(TOKYO.cost(&(reports + deliveries)).total() > 0.0);
//! ```

mod prices;
mod units;

use std::ops::{Add, AddAssign};

pub use prices::TOKYO;

/// AppSync counts a message once for each step of this many bytes that it takes.
///
/// Source: AppSync developer guide, "Monitoring and logging": 5 kB. Read as 5,000 bytes, so that no
/// estimate comes out too low.
pub const MESSAGE_STEP_BYTES: u64 = 5_000;

/// Memory of a function, in GB, as the template gives it.
const FUNCTION_GIGABYTES: f64 = 0.125;

/// The billed time of a warm call: about three round trips to the table, and a function's own work on
/// the share of a processor that 128 MB have. An assumption: `Duration` of the functions tells.
const FUNCTION_SECONDS: f64 = 0.02;

/// Bytes of the one line that a call logs.
const LOGGED_BYTES: u64 = 700;

/// Bytes that AppSync's own log takes for a request, where it is on: a summary of the request and one of
/// its execution, with some six lines of text. An assumption: the log group's size tells.
///
/// Source: AppSync developer guide, "Monitoring and logging", log type reference.
const API_LOGGED_BYTES: u64 = 1_000;

const MILLION: f64 = 1e6;
const GIGABYTE: f64 = 1e9;

/// List prices of one region at one date, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// The region's code.
    pub region: &'static str,
    /// When they were read, as `YYYY-MM-DD`.
    pub date: &'static str,
    /// A million queries and mutations.
    pub million_requests: f64,
    /// A million messages delivered, each counted by its steps of [`MESSAGE_STEP_BYTES`].
    pub million_messages: f64,
    /// A million minutes of an open WebSocket.
    pub million_connection_minutes: f64,
    /// A million invocations of functions.
    pub million_invocations: f64,
    /// A second of a function with 1 GB.
    pub gigabyte_second: f64,
    /// A million read units of the table.
    pub million_read_units: f64,
    /// A million write units of the table.
    pub million_write_units: f64,
    /// A GB sent to the internet.
    pub gigabyte_sent: f64,
    /// A GB taken into the log.
    pub gigabyte_logged: f64,
    /// An hour of a rented machine with 2 processors and 2 GB, on which `mesh serve` runs.
    pub machine_hour: f64,
}

/// A consumption, real or estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Consumption {
    /// Queries and mutations.
    pub requests: u64,
    /// Messages delivered, by [`steps`], and operations on WebSockets: a connection, a subscription.
    pub messages: u64,
    /// Minutes of open WebSockets.
    pub connection_minutes: f64,
    /// Invocations of functions.
    pub invocations: u64,
    /// Read units of the table.
    pub read_units: f64,
    /// Write units of the table.
    pub write_units: f64,
    /// Bytes sent to clients.
    pub sent_bytes: u64,
}

/// The cost in US dollars, by part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// AppSync's requests.
    pub requests: f64,
    /// AppSync's messages.
    pub messages: f64,
    /// AppSync's connections.
    pub connections: f64,
    /// Lambda: invocations and their time.
    pub functions: f64,
    /// DynamoDB's reads and writes.
    pub table: f64,
    /// Bytes to the internet.
    pub transfer: f64,
    /// The functions' log.
    pub logs: f64,
}

/// As how many messages one of this size is counted.
pub fn steps(bytes: u64) -> u64 {
    bytes.div_ceil(MESSAGE_STEP_BYTES).max(1)
}

impl Consumption {
    /// Usual calls of a field of `Query` or `Mutation`, answers and messages apart. A field that no
    /// function serves is a request and nothing more.
    pub fn of_calls(field: &str, calls: u64) -> Self {
        let (invocations, (reads, writes)) =
            units::units_of(field).map_or((0, (0.0, 0.0)), |units| (calls, units));
        Self {
            requests: calls,
            invocations,
            read_units: number(calls) * reads,
            write_units: number(calls) * writes,
            ..Self::default()
        }
    }
}

impl Add for Consumption {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            messages: self.messages + other.messages,
            connection_minutes: self.connection_minutes + other.connection_minutes,
            invocations: self.invocations + other.invocations,
            read_units: self.read_units + other.read_units,
            write_units: self.write_units + other.write_units,
            sent_bytes: self.sent_bytes + other.sent_bytes,
        }
    }
}

impl AddAssign for Consumption {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Prices {
    /// Computes the cost of a consumption at these prices.
    pub fn cost(&self, used: &Consumption) -> Cost {
        let invocations = number(used.invocations);
        let logged = number(used.invocations * LOGGED_BYTES);
        Cost {
            requests: number(used.requests) / MILLION * self.million_requests,
            messages: number(used.messages) / MILLION * self.million_messages,
            connections: used.connection_minutes / MILLION * self.million_connection_minutes,
            functions: invocations / MILLION * self.million_invocations
                + invocations * FUNCTION_SECONDS * FUNCTION_GIGABYTES * self.gigabyte_second,
            table: used.read_units / MILLION * self.million_read_units
                + used.write_units / MILLION * self.million_write_units,
            transfer: number(used.sent_bytes) / GIGABYTE * self.gigabyte_sent,
            logs: logged / GIGABYTE * self.gigabyte_logged,
        }
    }

    /// Computes the cost of AppSync's own log, where it is on.
    pub fn api_log(&self, used: &Consumption) -> f64 {
        number(used.requests * API_LOGGED_BYTES) / GIGABYTE * self.gigabyte_logged
    }
}

impl Cost {
    /// Each part with its name, in the order in which they are shown.
    pub fn parts(&self) -> [(&'static str, f64); 7] {
        [
            ("requests", self.requests),
            ("messages", self.messages),
            ("connections", self.connections),
            ("functions", self.functions),
            ("table", self.table),
            ("transfer", self.transfer),
            ("logs", self.logs),
        ]
    }

    /// All parts together.
    pub fn total(&self) -> f64 {
        self.parts().iter().map(|(_, dollars)| dollars).sum()
    }
}

/// Counts stay far below 2^53, where this would begin to round.
#[allow(clippy::cast_precision_loss, reason = "a rounded amount of money is as good")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_dollars(dollars: f64, expected: f64) {
        assert!((dollars - expected).abs() < 1e-9, "{dollars} instead of {expected}");
    }

    #[test]
    fn messages_are_counted_by_steps() {
        let counted: Vec<_> = [0, 1, 5_000, 5_001, 245_760].into_iter().map(steps).collect();
        assert_eq!(counted, [1, 1, 1, 2, 50]);
    }

    #[test]
    fn each_part_has_its_price() {
        let used = Consumption {
            requests: 1_000_000,
            messages: 2_000_000,
            connection_minutes: 3e6,
            invocations: 1_000_000,
            read_units: 4e6,
            write_units: 5e6,
            sent_bytes: 6_000_000_000,
        };
        let cost = TOKYO.cost(&used);
        let expected = [
            ("requests", 4.0),
            ("messages", 4.0),
            ("connections", 0.24),
            ("functions", 0.2 + 1e6 * 0.0025 * 0.000_013_333_4),
            ("table", 0.57 + 3.575),
            ("transfer", 0.684),
            ("logs", 0.532),
        ];
        for ((part, dollars), (name, expected)) in cost.parts().into_iter().zip(expected) {
            assert_eq!(part, name);
            assert_dollars(dollars, expected);
        }
        assert_dollars(cost.total(), expected.iter().map(|(_, dollars)| dollars).sum());
        assert_dollars(TOKYO.cost(&Consumption::default()).total(), 0.0);
    }

    #[test]
    fn calls_bring_their_units() {
        let mut used = Consumption::of_calls("reportDataByNode", 10);
        used += Consumption::of_calls("publishEventsByNode", 5);
        let expected = Consumption {
            requests: 15,
            invocations: 10,
            read_units: 10.0,
            write_units: 10.0,
            ..Consumption::default()
        };
        assert_eq!(used, expected);
    }
}
