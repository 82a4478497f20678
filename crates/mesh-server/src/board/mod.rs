//! The teacher's board: what happens in all groups now.
//!
//! While no board is open, a message costs one look at a flag. While one is, its events are remembered
//! within bounds, and a few times a second each board gets a `Frame`: what changed since
//! its last one.

mod attendance;
mod bill;
mod follow;
mod frame;
mod invitation;
mod picture;
mod watch;

pub use attendance::Attendance;

pub use follow::{Follow, follow};
pub use watch::{Newsroom, Watch};
