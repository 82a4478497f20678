//! The function behind `pollGroupData`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["pollGroupData"], needs: Needs::Table })
}
