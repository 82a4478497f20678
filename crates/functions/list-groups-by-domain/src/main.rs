//! The function behind `listGroupsByDomain`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["listGroupsByDomain"], needs: Needs::Table })
}
