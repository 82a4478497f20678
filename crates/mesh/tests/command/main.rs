//! The command as people start it: real processes, killed and restarted.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, unreachable_pub)]

mod doctor;
mod durability;
mod folder;
mod process;
mod service;
mod simulate;
mod start;
mod support;
mod verify;
