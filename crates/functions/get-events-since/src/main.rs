//! The function behind `getEventsSince`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["getEventsSince"], needs: Needs::Table })
}
