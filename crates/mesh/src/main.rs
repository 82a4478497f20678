//! The command `mesh`.

mod endpoint;
mod record;
mod replay;
mod serve;
mod simulate;
mod stop;

use std::fmt::Display;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

/// Mesh lets a classroom's programs share variables and events.
#[derive(Debug, Parser)]
#[command(name = "mesh", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the whole Mesh API on this machine
    Serve(Box<serve::Arguments>),
    /// Play a classroom against an endpoint, check every delivery, and judge
    Simulate(Box<simulate::Arguments>),
    /// Write the messages of a live group to a file, with their timing
    Record(record::Arguments),
    /// Play a recorded lesson again
    Replay(replay::Arguments),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  mesh completions bash > ~/.local/share/bash-completion/completions/mesh"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Record(arguments) => record::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "mesh", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}

/// Does a command's work to its end; says why if it fails.
fn block_on<T, E: Display>(work: impl Future<Output = Result<T, E>>) -> Result<T, ExitCode> {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Err(failed(&error)),
    };
    let done = runtime.block_on(work);
    // Whatever did not end in time must not keep the process.
    runtime.shutdown_background();
    done.map_err(|error| failed(&error))
}

fn failed(error: &dyn Display) -> ExitCode {
    eprintln!("mesh: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_is_in_the_readme() {
        let page =
            fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
        let (_, configuration) = page.split_once("\n## Configuration\n").unwrap();
        let table = &configuration[..configuration.find("\n#").unwrap_or(configuration.len())];
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        for option in serve.get_arguments().filter(|option| option.get_id() != "help") {
            let name = format!("--{}", option.get_long().unwrap());
            assert!(table.contains(&name), "{name} is not in the README");
            let environment = option.get_env().unwrap().to_str().unwrap();
            assert!(table.contains(environment), "{environment} is not in the README");
            assert_eq!(environment, format!("MESH_{}", name[2..].replace('-', "_").to_uppercase()));
        }
    }
}
