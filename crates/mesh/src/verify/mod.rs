//! `mesh verify`: everything that an endpoint must do, tried once.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `session` | calls of any field with any arguments, and the groups to remove at the end |
//! | `operations` | every operation, as clients call it |
//! | `refusals` | every word of errors, and limits at their edges |
//! | `realtime` | sockets, subscriptions, order, latency |

mod operations;
mod realtime;
mod refusals;
mod session;

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::block_on;
use super::endpoint::TrustArguments;
use session::Session;

/// The options of `mesh verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mesh verify https://abc.appsync-api.ap-northeast-1.amazonaws.com/graphql --api-key da2-..."
)]
pub(super) struct Arguments {
    /// Where Mesh is, as `http://192.168.1.20:4000/graphql`
    #[arg(value_name = "ENDPOINT")]
    endpoint: String,

    /// The endpoint's key
    #[arg(long, value_name = "KEY", env = "MESH_API_KEY", hide_env_values = true)]
    api_key: String,

    /// Print one object of JSON instead of a table
    #[arg(long)]
    json: bool,

    /// Open no sockets, for an endpoint that has no subscriptions
    #[arg(long)]
    without_subscriptions: bool,

    #[command(flatten)]
    trust: TrustArguments,
}

/// One thing that was tried, and its outcome.
struct Check {
    name: &'static str,
    /// A figure or a remark, or why it does not work.
    outcome: Result<String, String>,
}

/// All that was tried so far.
#[derive(Default)]
struct Checks {
    checks: Vec<Check>,
    is_json: bool,
}

impl Checks {
    /// Notes an outcome, and prints it for people.
    fn note(&mut self, name: &'static str, outcome: Result<String, String>) {
        if !self.is_json {
            let (mark, detail) = match &outcome {
                Ok(detail) => ("ok  ", detail),
                Err(detail) => ("FAIL", detail),
            };
            println!("{mark}  {name:<44}  {detail}");
        }
        self.checks.push(Check { name, outcome });
    }

    fn failures(&self) -> usize {
        self.checks.iter().filter(|check| check.outcome.is_err()).count()
    }

    fn json(&self) -> String {
        let checks = self.checks.iter().map(|Check { name, outcome }| {
            let detail = outcome.as_ref().unwrap_or_else(|detail| detail);
            json!({ "name": name, "works": outcome.is_ok(), "detail": detail })
        });
        let checks: Vec<_> = checks.collect();
        json!({ "works": self.failures() == 0, "checks": checks }).to_string()
    }
}

/// Tries everything. The exit code is 0 if all of it works, 1 if not.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match block_on(verify(arguments)) {
        Ok(checks) => {
            if arguments.json {
                println!("{}", checks.json());
            } else {
                println!("{} of {} work", checks.checks.len() - checks.failures(), checks.checks.len());
            }
            if checks.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failed) => failed,
    }
}

async fn verify(arguments: &Arguments) -> Result<Checks, String> {
    let endpoint = arguments.trust.endpoint(&arguments.endpoint, &arguments.api_key)?;
    if endpoint.is_on_aws() {
        eprintln!("mesh: some 150 calls and 200 deliveries on AWS cost less than one cent");
    }
    let mut checks = Checks { is_json: arguments.json, ..Checks::default() };
    let mut session = Session::new(endpoint).map_err(|error| error.to_string())?;
    operations::verify(&mut session, &mut checks).await;
    refusals::verify(&mut session, &mut checks).await;
    if !arguments.without_subscriptions {
        realtime::verify(&mut session, &mut checks).await;
    }
    checks.note("all groups are removed", session.clean_up().await);
    Ok(checks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_all() {
        let mut checks = Checks { is_json: true, ..Checks::default() };
        checks.note("a", Ok("fine".into()));
        assert_eq!(checks.failures(), 0);
        checks.note("b", Err("broken".into()));
        assert_eq!(checks.failures(), 1);
        let json: serde_json::Value = serde_json::from_str(&checks.json()).unwrap();
        assert_eq!((&json["works"], &json["checks"][1]["detail"]), (&json!(false), &json!("broken")));
    }
}
