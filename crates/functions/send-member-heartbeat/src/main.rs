//! The function behind `sendMemberHeartbeat`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["sendMemberHeartbeat"], needs: Needs::Table })
}
