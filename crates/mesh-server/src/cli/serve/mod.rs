//! `mesh serve`.

mod announcement;
mod arguments;
mod start;

use std::process::ExitCode;

pub(super) use arguments::Arguments;

use super::{failed, runtime};

/// Serves until the process is told to stop.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    arguments.start_log();
    // Without it, a classroom of a few hundred sockets may already be too many.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let ended = runtime.block_on(start::serve(arguments));
    // Whatever did not end in time must not keep the process.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}
