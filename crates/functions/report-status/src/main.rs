//! The function behind `reportStatus` and `reportDataByNode`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["reportStatus", "reportDataByNode"], needs: Needs::Table })
}
