//! `mesh simulate`.

mod arguments;
mod cost;
mod own_server;
mod progress;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mesh_simulate::classroom::{SetupError, simulate};
use mesh_simulate::client::{CallError, Endpoint};
use mesh_simulate::load::Load;
use mesh_simulate::ramp::ramp;
use mesh_simulate::report::{Report, Verdict, page, ramp_page};
use mesh_simulate::server_use::Reading;
use serde::Serialize;

pub(super) use arguments::Arguments;
use own_server::OwnServer;
use progress::Progress;

use super::block_on;
use super::stop::{INTERRUPTED, told_to_stop};

/// AppSync's word for a key that is none.
const UNAUTHORIZED: &str = "UnauthorizedException";

/// Plays a classroom; the exit code is the verdict.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    match block_on(play(arguments)) {
        Ok(Verdict::Met) => ExitCode::SUCCESS,
        Ok(Verdict::Missed) => ExitCode::FAILURE,
        Ok(Verdict::Interrupted) => INTERRUPTED.into(),
        Err(failed) => failed,
    }
}

/// The endpoint to play against, and the process whose time is read.
struct Stage {
    endpoint: Arc<Endpoint>,
    own: Option<OwnServer>,
}

async fn play(arguments: &Arguments) -> Result<Verdict, String> {
    let load = arguments.load();
    let own = if arguments.endpoint.is_none() { Some(OwnServer::start(load.nodes)?) } else { None };
    let (url, key) = match (&own, &arguments.endpoint) {
        (Some(own), _) => (own.endpoint.as_str(), own.api_key.as_str()),
        (None, url) => (url.as_deref().unwrap_or_default(), arguments.api_key.as_deref().unwrap_or_default()),
    };
    let endpoint = arguments.trust.endpoint(url, key)?;
    if endpoint.is_on_aws() && !cost::is_agreed(&load, arguments) {
        return Err("nothing was played".to_owned());
    }
    let stage = Stage { endpoint, own };
    let step = async |factor: f64| {
        let what = if arguments.ramp() { format!("{factor:.2} x the load") } else { String::new() };
        stage.play(&load.times(factor), what, arguments).await
    };
    if arguments.ramp() {
        let ramp = match ramp(step).await {
            Ok(ramp) => ramp,
            Err(error) => return not_begun(&error, &stage),
        };
        tell(arguments, &ramp, &ramp_page(&ramp))?;
        return Ok(match ramp.knee() {
            _ if ramp.interrupted => Verdict::Interrupted,
            Some(_) => Verdict::Met,
            None => Verdict::Missed,
        });
    }
    let report = match step(1.0).await {
        Ok(report) => report,
        Err(error) => return not_begun(&error, &stage),
    };
    tell(arguments, &report, &page(&report))?;
    Ok(report.verdict())
}

/// Says why a run did not begin, and what to do next.
fn not_begun(error: &SetupError, stage: &Stage) -> Result<Verdict, String> {
    let url = stage.endpoint.url();
    match error {
        SetupError::Stopped => {
            eprintln!("mesh: {error}");
            Ok(Verdict::Interrupted)
        }
        SetupError::Failed { error: CallError::Refused { error_type, .. }, .. }
            if error_type == UNAUTHORIZED =>
        {
            Err(format!("{} Is --api-key the key of {url}?", sentence(error)))
        }
        SetupError::Failed { error: CallError::Refused { .. }, .. } => Err(format!(
            "{} Ask for less, or raise the limit where the server is started: mesh serve --help names all.",
            sentence(error)
        )),
        SetupError::Failed { .. } => Err(format!("{} Is {url} right?", sentence(error))),
    }
}

/// An error that ends with one full stop.
fn sentence(error: &SetupError) -> String {
    format!("{}.", error.to_string().trim_end_matches('.'))
}

impl Stage {
    async fn play(&self, load: &Load, what: String, arguments: &Arguments) -> Result<Report, SetupError> {
        let progress = Progress::new(load, what);
        let before = self.own.as_ref().and_then(|own| Reading::of(own.process()));
        let played = simulate(self.endpoint.clone(), load, |now| progress.show(now), told_to_stop()).await;
        progress.end();
        let mut report = played?;
        report.server = before.and_then(|before| before.until_now());
        report.judge(&arguments.objectives());
        Ok(report)
    }
}

/// Prints the report, and writes it beside the page.
fn tell(arguments: &Arguments, report: &(impl Display + Serialize), page: &str) -> Result<(), String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    let name = &arguments.outcome.report;
    for (extension, content) in [("html", page), ("json", &json)] {
        let file = named(name, extension);
        std::fs::write(&file, content)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    if arguments.outcome.json {
        println!("{json}");
    } else {
        print!("{report}");
    }
    eprintln!("The page: {}", named(name, "html").display());
    Ok(())
}

/// A name may have dots of its own.
fn named(name: &Path, extension: &str) -> std::path::PathBuf {
    let mut file = name.as_os_str().to_owned();
    file.push(".");
    file.push(extension);
    file.into()
}
