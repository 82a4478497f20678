//! The server through real sockets, as clients see it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, unreachable_pub)]

mod admin;
mod browsers;
mod by_get;
mod cloud_variables;
mod docs;
mod errors;
mod extension;
mod fields;
mod folder;
mod hostile;
mod join;
mod lifecycle;
mod limits;
mod monitoring;
mod pages;
mod polling;
mod queries;
mod realtime;
mod schedules;
mod transport_ws;

use mesh_server::testing as support;
