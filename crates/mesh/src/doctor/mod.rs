//! `mesh doctor`: whether this machine can serve a lesson, looked at before the lesson.
//!
//! | module | what it looks at |
//! | --- | --- |
//! | `network` | the port, the firewall, addresses, the name `mesh.local` |
//! | `machine` | the disk, the clock, descriptors |

mod machine;
mod network;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::block_on;
use super::serve::listening;

const EXAMPLES: &str = "\
Examples:
  mesh doctor
      before a lesson: what mesh serve --listen 0.0.0.0 would find
  mesh doctor --json
      for a script: one object, exit code 1 if something must be mended

Nothing is changed and nothing is sent to other networks. A file of 4 KB is written beside the data, and removed.";

/// The options of `mesh doctor`: those of `mesh serve` that say where it listens and keeps its data, so that one
/// environment serves both.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Where the server is to listen; the first of several is looked at
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "MESH_LISTEN",
        default_value = "0.0.0.0:4000",
        value_delimiter = ',',
        value_parser = listening()
    )]
    listen: Vec<String>,

    /// Folder for groups, keys and certificates
    #[arg(long, value_name = "DIR", env = "MESH_DATA", default_value = "./mesh-data")]
    data: PathBuf,

    /// Print one object of JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// It works, and there is something to know.
    Note,
    /// Pupils will not be served before it is mended.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    /// What is there.
    found: String,
    /// What to do, in one line.
    advice: Option<String>,
}

impl Finding {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), advice: None }
    }

    fn note(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Note, found: found.into(), advice: Some(advice.into()) }
    }

    fn problem(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Problem, ..Self::note(name, found, advice) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "FAIL",
        };
        write!(f, "{mark:<5} {:<11} {}", self.name, self.found)?;
        match &self.advice {
            Some(advice) => write!(f, "\n{:18}-> {advice}", ""),
            None => Ok(()),
        }
    }
}

/// Looks at everything; the exit code is 1 if something must be mended.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match block_on(look(arguments)) {
        Ok(findings) => {
            let works = findings.iter().all(|finding| finding.state != State::Problem);
            if arguments.json {
                println!("{}", json!({ "works": works, "findings": findings }));
            } else {
                for finding in &findings {
                    println!("{finding}");
                }
            }
            if works { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failed) => failed,
    }
}

async fn look(arguments: &Arguments) -> Result<Vec<Finding>, String> {
    let Some(listen) = arguments.listen.first() else { return Err("no --listen to look at".to_owned()) };
    let mut findings = network::look(listen).await?;
    findings.extend([
        machine::disk(&arguments.data),
        machine::clock(std::time::SystemTime::now(), &arguments.data),
        machine::descriptors(),
    ]);
    Ok(findings)
}
