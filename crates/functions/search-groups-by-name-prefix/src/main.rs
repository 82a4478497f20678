//! The function behind `searchGroupsByNamePrefix`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["searchGroupsByNamePrefix"], needs: Needs::Table })
}
