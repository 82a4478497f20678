//! For tests of homes: a clock that is set by hand, a small classroom, and the contract suite that
//! every store passes.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "a suite panics where a store breaks its contract")]

mod classroom;
mod clock;
pub mod contract;

pub use classroom::{Classroom, Heard, event, item};
pub use clock::TestClock;
