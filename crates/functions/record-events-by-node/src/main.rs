//! The function behind `recordEventsByNode`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["recordEventsByNode"], needs: Needs::TableAndApi })
}
