//! The teacher's board: what happens in all groups now.
//!
//! While no board is open, a message costs one look at a flag. While one is, its events are remembered
//! within bounds, and a few times a second each board gets a `BoardUpdate`: what changed since
//! its last one.

mod bill;
mod feed;
mod invitation;
mod node_addresses;
mod registry;
mod snapshot;
mod update;

pub use feed::{BoardFeed, follow};
pub use registry::BoardRegistry;
