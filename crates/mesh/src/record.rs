//! `mesh record`.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use mesh_simulate::client::Group;
use mesh_simulate::recording::record;

use super::block_on;
use super::endpoint::EndpointArguments;
use super::stop::told_to_stop;

const EXAMPLES: &str = "\
Example:
  mesh record lesson.jsonl --endpoint http://192.168.1.20:4000/graphql --api-key KEY --domain room-1 --group ID
      until the group ends, or Ctrl-C

The file has what the children's programs say to each other: keep it as you would keep their work.
Play it again with mesh replay.";

/// The arguments of `mesh record`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The file to write; it must not exist
    file: PathBuf,

    /// The group's domain
    #[arg(long)]
    domain: String,

    /// The group's id
    #[arg(long, value_name = "ID")]
    group: String,

    /// Write the nicknames of nodes, too; without this the file has ids alone
    #[arg(long)]
    names: bool,

    #[command(flatten)]
    endpoint: EndpointArguments,
}

/// Records until the group ends or the process is told to stop.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    let name = arguments.file.display().to_string();
    match block_on(recorded(arguments)) {
        Ok(messages) => {
            println!("{messages} messages are in {name}");
            ExitCode::SUCCESS
        }
        Err(failed) => failed,
    }
}

async fn recorded(arguments: Arguments) -> Result<u64, String> {
    let endpoint = arguments.endpoint.endpoint()?;
    let name = arguments.file.display();
    let file = File::create_new(&arguments.file);
    let mut file = file.map_err(|error| format!("cannot make the file {name}: {error}"))?;
    let group = Group { id: arguments.group, domain: arguments.domain };
    let listening = || eprintln!("Recording; stop with Ctrl-C.");
    let recorded = record(&endpoint, &group, arguments.names, &mut file, listening, told_to_stop()).await;
    if recorded.is_err() && file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
        // Nothing was recorded, and the next try needs the name.
        let _ = std::fs::remove_file(&arguments.file);
    }
    recorded.map_err(|error| error.to_string())
}
