//! A clock that tests set.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Now};
use crate::time::{Timestamp, millis};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct TestClock {
    wall: AtomicI64,
    steady: AtomicU64,
}

impl TestClock {
    /// A clock that shows 2026-11-23T09:00:00Z.
    pub fn new() -> Self {
        Self { wall: AtomicI64::new(1_795_424_400_000), steady: AtomicU64::new(0) }
    }

    /// Lets time go by.
    pub fn advance(&self, span: Duration) {
        self.wall.fetch_add(millis(span), Ordering::SeqCst);
        self.steady.fetch_add(millis(span).unsigned_abs(), Ordering::SeqCst);
    }

    /// Lets seconds go by.
    pub fn advance_seconds(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Somebody corrects the wall clock by so many milliseconds, forth or back; no time goes by.
    pub fn jump(&self, milliseconds: i64) {
        self.wall.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        Now {
            wall: Timestamp::from_millis(self.wall.load(Ordering::SeqCst)),
            steady: Duration::from_millis(self.steady.load(Ordering::SeqCst)),
        }
    }
}
