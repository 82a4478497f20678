//! For tests of homes: a clock that is set by hand, a small classroom, and the contract suite that
//! every store passes.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "a suite panics where a store breaks its contract")]

mod clock;
pub mod contract;
mod harness;

pub use clock::TestClock;
pub use harness::{Harness, Heard, event, item};
