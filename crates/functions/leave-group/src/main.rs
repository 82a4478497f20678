//! The function behind `leaveGroup`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["leaveGroup"], needs: Needs::Table })
}
