//! The server through real sockets, as clients see it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, unreachable_pub)]

mod admin;
mod browsers;
mod docs;
mod durability;
mod errors;
mod fields;
mod folder;
mod hostile;
mod lifecycle;
mod limits;
mod pages;
mod process;
mod queries;
mod realtime;
mod simulate;
mod support;
