//! The command as a process, and the clients of the server's own tests.

mod process;

pub use mesh_server::testing::*;
pub use process::{Process, mesh};
