//! The function behind `createDomain`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["createDomain"], needs: Needs::Secret })
}
