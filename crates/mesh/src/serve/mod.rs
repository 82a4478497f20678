//! `mesh serve`.

mod address;
mod announcement;
mod arguments;
mod connections;
mod language;
mod mdns;
mod memory;
mod running;
mod start;
mod systemd;

use std::process::ExitCode;

pub(super) use address::reached_by;
pub(super) use arguments::{Arguments, listening};
pub(super) use connections::possible_connections;
pub(super) use mdns::announce;
pub(super) use start::STORE_FILE;

use super::block_on;

/// Serves until the process is told to stop.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    arguments.start_log();
    connections::raise_descriptor_limit();
    let language = arguments.language();
    let served = async { start::serve(arguments).await.map_err(|error| error.told(language)) };
    match block_on(served) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed,
    }
}
