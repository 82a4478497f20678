//! Pauses between tries.

use std::time::Duration;

/// A pause that grows and varies, so that those who collided do not collide again.
pub(crate) struct Backoff {
    longest: Duration,
}

impl Backoff {
    const LONGEST: Duration = Duration::from_millis(160);

    /// Begins with a pause of up to `first`.
    pub(crate) fn from(first: Duration) -> Self {
        Self { longest: first }
    }

    /// Waits.
    pub(crate) async fn pause(&mut self) {
        let mut random = [0];
        // Without randomness the pause is just the longest one.
        let share = getrandom::fill(&mut random).map_or(u8::MAX, |()| random[0]);
        tokio::time::sleep(self.longest * u32::from(share) / u32::from(u8::MAX)).await;
        self.longest = (self.longest * 2).min(Self::LONGEST);
    }
}
