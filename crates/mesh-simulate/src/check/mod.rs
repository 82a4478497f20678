//! The check of deliveries: every message arrives once, in order, in its group, with its times.

mod inbox;
mod message;
mod outbox;

use std::ops::AddAssign;

use serde::Serialize;

pub(crate) use inbox::{Inbox, Room};
pub(crate) use message::{Event as PolledEvent, Frame};
pub(crate) use outbox::Outbox;

/// The faults of deliveries, each counted by message and receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Published while the receiver listened, and never arrived.
    pub lost: u64,
    /// Arrived once more.
    pub doubled: u64,
    /// Arrived behind a later one of the same sender.
    pub reordered: u64,
    /// Of another group, another domain or another run.
    pub leaked: u64,
    /// Events that would be replayed at the wrong moment.
    pub mistimed: u64,
    /// Not what was sent.
    pub damaged: u64,
}

impl Faults {
    /// Each kind with its name, in the order in which they are shown.
    pub fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("reordered", self.reordered),
            ("leaked", self.leaked),
            ("mistimed", self.mistimed),
            ("damaged", self.damaged),
        ]
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.named().iter().map(|(_, count)| count).sum()
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.leaked += other.leaked;
        self.mistimed += other.mistimed;
        self.damaged += other.damaged;
    }
}
