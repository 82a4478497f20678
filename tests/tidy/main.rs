//! The project's own rules.

#![allow(clippy::unwrap_used, reason = "a test stops where something is amiss")]

mod operations;
mod reliability;
mod rooms;

use std::path::PathBuf;

/// The folder of the whole project.
fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
