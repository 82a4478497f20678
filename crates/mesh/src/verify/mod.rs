//! `mesh verify`: everything that an endpoint must do, tried once.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `session` | calls of any field with any arguments, and removing the run's groups |
//! | `lesson` | the calls that both homes answer alike: every operation, every word of errors, limits at their edges |
//! | `pattern` | names and generators in those calls, patterns of their answers |
//! | `access` | wrong keys and forged addresses |
//! | `full_group` | a group with as many nodes as it may have |
//! | `realtime` | sockets, subscriptions, order, latency |
//! | `cost` | what a run costs on AWS |

mod access;
mod cost;
mod full_group;
mod lesson;
mod pattern;
mod realtime;
mod session;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::block_on;
use super::endpoint::TrustArguments;
use lesson::Lesson;
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
    noted: Vec<Check>,
    is_json: bool,
    /// How many calls were sent.
    calls: u64,
}

impl Checks {
    /// Notes an outcome, and prints it for people.
    fn note(&mut self, name: &'static str, outcome: Result<String, String>) {
        if !self.is_json {
            let (mark, detail) = match &outcome {
                Ok(detail) => ("ok  ", detail),
                Err(detail) => ("FAIL", detail),
            };
            println!("{mark}  {name:<66}  {detail}");
        }
        self.noted.push(Check { name, outcome });
    }

    fn failures(&self) -> usize {
        self.noted.iter().filter(|check| check.outcome.is_err()).count()
    }

    fn json(&self) -> String {
        let checks = self.noted.iter().map(|Check { name, outcome }| {
            let detail = outcome.as_ref().unwrap_or_else(|detail| detail);
            json!({ "name": name, "works": outcome.is_ok(), "detail": detail })
        });
        let checks: Vec<_> = checks.collect();
        json!({ "works": self.failures() == 0, "calls": self.calls, "checks": checks }).to_string()
    }
}

/// Tries everything. The exit code is 0 if all of it works, 1 if not.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match block_on(verify(arguments)) {
        Ok(checks) => {
            if arguments.json {
                println!("{}", checks.json());
            } else {
                println!("{} of {} work", checks.noted.len() - checks.failures(), checks.noted.len());
            }
            if checks.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failed) => failed,
    }
}

async fn verify(arguments: &Arguments) -> Result<Checks, String> {
    let endpoint = arguments.trust.endpoint(&arguments.endpoint, &arguments.api_key)?;
    let lesson = Arc::new(Lesson::read().map_err(|error| error.to_string())?);
    let used = cost::estimate(&lesson, arguments.without_subscriptions);
    eprintln!("mesh: a run is {}", cost::text(&used));
    let mut checks = Checks { is_json: arguments.json, ..Checks::default() };
    let mut session = Session::new(endpoint, lesson).map_err(|error| error.to_string())?;
    access::verify(&mut session, &mut checks).await;
    lesson::verify(&mut session, &mut checks).await;
    full_group::verify(&mut session, &mut checks).await;
    if !arguments.without_subscriptions {
        realtime::verify(&mut session, &mut checks).await;
    }
    let removed = session.clean_up().await;
    checks.note("all groups are removed", removed);
    checks.calls = session.calls;
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
