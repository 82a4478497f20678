//! The function behind `fireEventsByNode`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["fireEventsByNode"], needs: Needs::Table })
}
