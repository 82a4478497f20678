//! `mesh replay`.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use mesh_simulate::client::Group;
use mesh_simulate::recording::{Recording, Replay, Replayed, replay};

use super::block_on;
use super::endpoint::EndpointArguments;
use super::stop::{INTERRUPTED, told_to_stop};

const EXAMPLES: &str = "\
Examples:
  mesh replay lesson.jsonl --endpoint http://127.0.0.1:4000/graphql --api-key KEY --wait-seconds 20
      in a group of its own, after 20 seconds in which others can join it
  mesh replay lesson.jsonl --endpoint http://127.0.0.1:4000/graphql --api-key KEY --domain room-1 --group ID --speed 4
      into a living group, four times as fast";

/// The arguments of `mesh replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A file that mesh record wrote
    file: PathBuf,

    /// How many times as fast as it was
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    speed: f64,

    /// Domain to play in [default: the recording's]
    #[arg(long)]
    domain: Option<String>,

    /// A living group to play in [default: one of its own]
    #[arg(long, value_name = "ID", requires = "domain")]
    group: Option<String>,

    /// Seconds to wait before the first message
    #[arg(long, value_name = "S", default_value_t = 0)]
    wait_seconds: u32,

    #[command(flatten)]
    endpoint: EndpointArguments,
}

fn speed(text: &str) -> Result<f64, String> {
    let in_range = |speed: &f64| (0.01..=1_000.0).contains(speed);
    text.parse().ok().filter(in_range).ok_or_else(|| "a factor from 0.01 to 1000 is wanted".to_owned())
}

/// Plays a recording to its end, or until the process is told to stop.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    match block_on(played(arguments)) {
        Ok(Replayed { sent, skipped, interrupted }) => {
            let told = format!(
                "{} played, {} skipped",
                counted(sent, "message", "messages"),
                counted(skipped, "entry", "entries")
            );
            if interrupted {
                println!("stopped before the end: {told}");
                return INTERRUPTED.into();
            }
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(failed) => failed,
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

async fn played(arguments: Arguments) -> Result<Replayed, String> {
    let endpoint = arguments.endpoint.endpoint()?;
    let name = arguments.file.display();
    let file =
        File::open(&arguments.file).map_err(|error| format!("cannot read the file {name}: {error}"))?;
    let recording = Recording::read(BufReader::new(file)).map_err(|error| format!("{name}: {error}"))?;
    let domain = arguments.domain;
    let options = Replay {
        speed: arguments.speed,
        group: arguments.group.zip(domain.clone()).map(|(id, domain)| Group { id, domain }),
        domain,
        wait: Duration::from_secs(arguments.wait_seconds.into()),
    };
    let ready = |group: &Group| eprintln!("Playing in group {} of domain {}", group.id, group.domain);
    let played = replay(&endpoint, &recording, &options, ready, told_to_stop()).await;
    played.map_err(|error| error.to_string())
}
