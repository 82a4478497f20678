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
mod stamp;
