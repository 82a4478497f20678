//! The units and the time that requests to the table used.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Units and time that requests to the table used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// The number of requests; their tries are not counted apart.
    pub requests: u32,
    /// Read units: 1 is a consistent read of 4 KB.
    pub read_units: f64,
    /// Write units: 1 is a write of 1 KB.
    pub write_units: f64,
    /// The sum of the times of the requests.
    pub time: Duration,
}

/// Adds up what requests use.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Usage>);

impl Meter {
    /// Takes the usage since the last call of this.
    pub(super) fn take(&self) -> Usage {
        self.0.lock().map(|mut usage| std::mem::take(&mut *usage)).unwrap_or_default()
    }

    pub(super) fn read(&self, began: Instant, consumed: Option<&ConsumedCapacity>) {
        self.add(began, |usage| usage.read_units += units(consumed));
    }

    pub(super) fn wrote(&self, began: Instant, consumed: &[ConsumedCapacity]) {
        let units = consumed.iter().map(|one| units(Some(one))).sum::<f64>();
        self.add(began, |usage| usage.write_units += units);
    }

    /// A refused condition costs what the write would have, and is told by no answer.
    pub(super) fn refused(&self, began: Instant, bytes: usize) {
        let kilobytes = u32::try_from(bytes.div_ceil(1_024).max(1)).unwrap_or(u32::MAX);
        self.add(began, |usage| usage.write_units += f64::from(kilobytes));
    }

    /// A request that failed: its units are not known.
    pub(super) fn failed(&self, began: Instant) {
        self.add(began, |_| ());
    }

    fn add(&self, began: Instant, add: impl FnOnce(&mut Usage)) {
        if let Ok(mut usage) = self.0.lock() {
            usage.requests += 1;
            usage.time += began.elapsed();
            add(&mut usage);
        }
    }
}

fn units(consumed: Option<&ConsumedCapacity>) -> f64 {
    consumed.and_then(ConsumedCapacity::capacity_units).unwrap_or_default()
}
