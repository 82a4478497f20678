//! The function behind `listNodesInGroup`.

use std::process::ExitCode;

use mesh_lambda::{Function, Needs, run};

fn main() -> ExitCode {
    run(Function { fields: &["listNodesInGroup"], needs: Needs::Table })
}
