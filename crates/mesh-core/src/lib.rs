//! The rules of Mesh, free of any home.
//!
//! A *group* joins up to 500 programs (*nodes*) that share variables (*node status*) and fire
//! *events*. Groups are found inside a *domain*, the network or word that a classroom shares.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`model`] | groups, nodes, statuses, events, and the message that subscribers get |
//! | [`operations`] | one file per field of the API: arguments, limits, rule |
//! | [`store`] | the port that a home implements; [`mod@testing`] has the suite that each must pass |
//! | [`settings`] | lifetimes, intervals and limits that a deployment may set |
//! | [`clock`], [`time`] | time as an input |
//! | [`cursor`] | places in a group's log of events |
//! | [`secret`] | proofs that a caller may act as a node |
//! | [`network`] | how a caller's network becomes its domain |
//! | [`hex`] | bytes as hex digits |
//! | [`error`] | every refusal, with its stable public word |
//!
//! Absent on purpose: AWS, HTTP, GraphQL text, the environment and the system clock.

pub mod clock;
pub mod cursor;
pub mod error;
pub mod hex;
pub mod id;
pub mod limits;
pub mod model;
pub mod network;
pub mod operations;
pub mod secret;
pub mod settings;
pub mod store;
pub mod time;

#[cfg(feature = "testing")]
pub mod testing;

mod context;

pub use context::Context;
pub use error::{Error, ErrorType, Result};
