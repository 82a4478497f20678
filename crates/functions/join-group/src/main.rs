//! The function behind `joinGroup`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["joinGroup"], needs: Needs::Table })
}
