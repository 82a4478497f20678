//! The function behind `createGroup`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["createGroup"], needs: Needs::Table })
}
