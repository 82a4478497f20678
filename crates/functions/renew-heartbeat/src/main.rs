//! The function behind `renewHeartbeat`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["renewHeartbeat"], needs: Needs::Table })
}
