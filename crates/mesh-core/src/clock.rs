//! Time as an input: the port through which a home tells the rules what time it is.

use std::time::Duration;

use crate::time::Timestamp;

/// One reading of a home's clocks.
///
/// Two readings, because they serve two ends: the wall clock is what clients compare with their
/// own (`expiresAt`, timestamps), but it jumps when somebody corrects it; the steady clock only
/// measures spans, so that a jump of an hour neither ends a lesson nor makes a group immortal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The date and time of day.
    pub wall: Timestamp,
    /// Time since some fixed origin of this process; it never jumps.
    pub steady: Duration,
}

/// The port to a home's clocks.
pub trait Clock: Send + Sync + 'static {
    /// Both clocks, now.
    fn now(&self) -> Now;
}
