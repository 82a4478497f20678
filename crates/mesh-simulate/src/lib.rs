//! Classrooms in a program: plays lessons against any endpoint of the Mesh API, as real clients do,
//! and checks every delivery.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`client`] | a client: operations over HTTP, a subscription over a WebSocket |
//! | [`load`] | the plan: how many nodes do what, and when |
//! | [`classroom`] | a run of it |
//! | [`check`] | lost, doubled, reordered, leaked, mistimed, damaged |
//! | [`measure`] | latencies and rates |
//! | [`report`] | figures, objectives, the page |
//! | [`ramp`] | more and more, until the objectives break |
//! | [`cost`] | what a run costs in the cloud |
//! | [`recording`] | a lesson as a file, and played again |
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use mesh_simulate::classroom::simulate;
//! use mesh_simulate::client::{Endpoint, Trust};
//! use mesh_simulate::load::Load;
//!
//! # async fn play() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::new("http://127.0.0.1:4000/graphql", "da2-key", &Trust::System)?;
//! let load = Load { groups: 1, seconds: 10.0, ..Load::seed() };
//! let report = simulate(Arc::new(endpoint), &load, |_| (), std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod batch;
pub mod check;
pub mod classroom;
pub mod client;
pub mod cost;
pub mod load;
pub mod measure;
mod number;
pub mod ramp;
pub mod recording;
pub mod report;
pub mod server_use;
