//! The function behind `getNodeStatus`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["getNodeStatus"], needs: Needs::Table })
}
