//! The machine's clocks.

use std::time::{Instant, SystemTime};

use mesh_core::clock::{Clock, Now};
use mesh_core::time::Timestamp;

/// Reads the system's clocks. Functions go by the wall clock: their machines agree on the time, and
/// none of them lives as long as a group.
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// Begins to count.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        // A clock before 1970 is a clock that was never set.
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Now { wall: Timestamp::from_millis(millis), steady: self.origin.elapsed() }
    }
}
