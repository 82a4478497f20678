//! Figures of the server, in Prometheus' text format.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use mesh_appsync::call::FIELDS;
use mesh_core::ErrorType;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::limits::memory::MemoryUse;
use crate::realtime::hub;
use mesh_local as store;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// The result of an operation that was not refused.
const OK: &str = "ok";

fn result_of(refusal: Option<ErrorType>) -> &'static str {
    refusal.map_or(OK, ErrorType::as_str)
}

/// The figures of one server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    request_seconds: Histogram,
    commit_seconds: Histogram,
    too_slow: Counter,
    connections: Gauge,
    subscriptions: Gauge,
    groups: Gauge,
    nodes: Gauge,
    memory: Family<Kind, Gauge>,
    memory_limit: Family<Kind, Gauge>,
    longest_lock: Gauge<f64, AtomicU64>,
    grown: Mutex<Grown>,
}

/// Counters that grow elsewhere: their last readings, to add what came since.
#[derive(Default)]
struct Grown {
    deliveries: Counter,
    events_kept: Counter,
    events_dropped: Counter,
    locked: Counter<f64, AtomicU64>,
    yields: Counter,
}

impl Metrics {
    /// All figures, at zero.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("mesh"),
            requests: Family::default(),
            // From a tenth of a millisecond to about three seconds.
            request_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            commit_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            too_slow: Counter::default(),
            connections: Gauge::default(),
            subscriptions: Gauge::default(),
            groups: Gauge::default(),
            nodes: Gauge::default(),
            memory: Family::default(),
            memory_limit: Family::default(),
            longest_lock: Gauge::default(),
            grown: Mutex::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("requests", "Operations by their result", self.requests.clone());
        let help = "Time from a request's head to its answer";
        registry.register_with_unit("request", help, Unit::Seconds, self.request_seconds.clone());
        let help = "Time of the store's durable commits";
        registry.register_with_unit("store_commit", help, Unit::Seconds, self.commit_seconds.clone());
        let help = "WebSockets closed because they could not keep up";
        registry.register("connections_too_slow", help, self.too_slow.clone());
        registry.register("connections", "Open WebSockets", self.connections.clone());
        registry.register("subscriptions", "Registered subscriptions", self.subscriptions.clone());
        registry.register("groups", "Living groups", self.groups.clone());
        registry.register("nodes", "Joined nodes, hosts not counted", self.nodes.clone());
        let help = "Memory that counts, by what it is for";
        registry.register_with_unit("memory", help, Unit::Bytes, self.memory.clone());
        let help = "The most memory of each kind";
        registry.register_with_unit("memory_limit", help, Unit::Bytes, self.memory_limit.clone());
        let help = "The longest time for which the store was locked";
        registry.register_with_unit("store_longest_lock", help, Unit::Seconds, self.longest_lock.clone());
        {
            let grown = self.grown.lock();
            registry.register("deliveries", "Messages handed to subscribers", grown.deliveries.clone());
            registry.register("events_kept", "Events kept for pollers", grown.events_kept.clone());
            let help = "Events dropped for want of room, before their time";
            registry.register("events_dropped", help, grown.events_dropped.clone());
            let help = "Time for which the store was locked";
            registry.register_with_unit("store_locked", help, Unit::Seconds, grown.locked.clone());
            let help = "Times that a message with much to write let others go first";
            registry.register("publishing_yields", help, grown.yields.clone());
        }
        self
    }

    /// Counts the operations of a request.
    pub fn answered(
        &self,
        outcomes: impl Iterator<Item = (&'static str, Option<ErrorType>)>,
        took: Duration,
    ) {
        for (operation, refusal) in outcomes {
            let result = result_of(refusal);
            self.requests.get_or_create(&Outcome { operation, result }).inc();
        }
        self.request_seconds.observe(took.as_secs_f64());
    }

    /// Says how often each operation ran, whatever came of it.
    pub fn operations(&self, mut say: impl FnMut(&'static str, u64)) {
        for operation in FIELDS {
            let count =
                |result| self.requests.get(&Outcome { operation, result }).map_or(0, |count| count.get());
            let refusals = ErrorType::OF_OPERATIONS.into_iter().map(Some);
            say(operation, refusals.chain([None]).map(result_of).map(count).sum());
        }
    }

    /// Counts a request that was refused before any operation ran.
    pub fn refused(&self, refusal: ErrorType) {
        let result = refusal.as_str();
        self.requests.get_or_create(&Outcome { operation: "", result }).inc();
    }

    /// Counts a commit of the store.
    pub fn committed(&self, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// Counts a connection that could not keep up.
    pub fn too_slow(&self) {
        self.too_slow.inc();
    }

    /// Writes all figures.
    ///
    /// # Errors
    ///
    /// Never, in memory.
    pub fn encode(
        &self,
        hub: hub::HubCounts,
        store: store::StoreCounts,
        memory: &[MemoryUse],
    ) -> Result<String, fmt::Error> {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.set(signed(hub.connections as u64));
        self.subscriptions.set(signed(hub.subscriptions));
        self.groups.set(signed(store.groups as u64));
        self.nodes.set(signed(store.nodes as u64));
        for MemoryUse { kind, bytes, limit } in memory {
            self.memory.get_or_create(&Kind { kind }).set(signed(*bytes as u64));
            self.memory_limit.get_or_create(&Kind { kind }).set(signed(*limit as u64));
        }
        self.longest_lock.set(store.locked.longest.as_secs_f64());
        let grown = self.grown.lock();
        grown.locked.inc_by((store.locked.total.as_secs_f64() - grown.locked.get()).max(0.0));
        for (counter, reading) in [
            (&grown.deliveries, hub.deliveries),
            (&grown.events_kept, store.events_kept),
            (&grown.events_dropped, store.events_dropped),
            (&grown.yields, store.yields),
        ] {
            counter.inc_by(reading.saturating_sub(counter.get()));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
