//! The function behind `listGroupStatuses`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["listGroupStatuses"], needs: Needs::Table })
}
