//! The function behind `dissolveGroup`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["dissolveGroup"], needs: Needs::Table })
}
