//! What the functions behind AppSync share. Each function is a crate of its own whose `main` says
//! which fields it serves and what it needs; all else is here.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`environment`] | settings from the environment; a wrong one stops the program at start |
//! | [`clock`] | the machine's clocks |
//! | [`client`] | the client of DynamoDB, its TLS, and its first connection |
//! | [`handler`] | answers an event by the operation that it calls |
//! | [`publisher`] | the publisher of recorded calls: AppSync, by signed requests |
//! | [`metrics`] | one line of log and metrics for each invocation |
//! | [`start`] | how long the start took, and the memory in use |
//! | [`log`] | what else is logged: failures |

pub mod client;
pub mod clock;
pub mod environment;
pub mod handler;
pub mod log;
pub mod metrics;
pub mod publisher;
pub mod start;

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing_subscriber::util::SubscriberInitExt;

use environment::{Environment, SettingError};
use handler::Handler;

/// A function: what it serves and needs.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The fields of the schema that it serves.
    pub fields: &'static [&'static str],
    /// Its needs beside its event.
    pub needs: Needs,
}

/// The needs of a function beside its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The table.
    Table,
    /// The table, and the API to publish what it recorded.
    TableAndApi,
    /// The secret behind the domains, and no table.
    Secret,
}

/// Why a function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its environment is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The machine refuses what a runtime needs.
    #[error("the runtime does not start: {0}")]
    Runtime(#[from] std::io::Error),
    /// TLS cannot be set up.
    #[error("the client does not start: {0}")]
    Client(Box<dyn std::error::Error + Send + Sync>),
    /// The runtime API failed, which ends a function.
    #[error("the runtime API failed: {0}")]
    Lambda(lambda_runtime::Error),
}

/// Runs a function until its machine is taken away.
///
/// ```no_run
/// use mesh_lambda::{Function, Needs, run};
///
/// let exit_code = run(Function { fields: &["createGroup"], needs: Needs::Table });
/// ```
pub fn run(function: Function) -> ExitCode {
    log::subscriber(std::io::stdout).init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.map_err(StartError::from).and_then(|runtime| runtime.block_on(serve(function)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function does not run");
            ExitCode::FAILURE
        }
    }
}

async fn serve(function: Function) -> Result<(), StartError> {
    let handler = Handler::open(function, &Environment::of_process()).await?;
    let handler = &handler;
    let answer = move |event: LambdaEvent<Box<RawValue>>| async move {
        let answer = handler.answer(&event.context.request_id, event.payload.get().as_bytes()).await?;
        RawValue::from_string(answer).map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(answer)).await.map_err(StartError::Lambda)
}
