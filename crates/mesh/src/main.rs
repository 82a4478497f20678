//! The command `mesh`.

mod doctor;
mod endpoint;
mod health;
mod record;
mod replay;
mod serve;
mod simulate;
mod stop;
mod verify;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

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
    /// Try everything that an endpoint must do, and say what works
    Verify(verify::Arguments),
    /// Look whether this machine can serve a lesson: port, firewall, addresses, disk, clock, descriptors
    Doctor(doctor::Arguments),
    /// Ask the server on this machine whether it serves: exit code 0 if it does, 1 if not
    Health(health::Arguments),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  mkdir -p ~/.local/share/bash-completion/completions\n  mesh completions bash > ~/.local/share/bash-completion/completions/mesh"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages of all commands into a folder
    #[command(after_help = "Example:\n  mesh man ~/.local/share/man/man1")]
    Man {
        /// The folder, made if it is not there
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Record(arguments) => record::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "mesh", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        Command::Man { folder } => match write_manual(&folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&format!("the manual cannot be written to {}: {error}", folder.display())),
        },
    }
}

/// Writes `mesh.1`, and a page for each command: `mesh-serve.1` and so on.
fn write_manual(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
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
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_a_page_of_the_manual() {
        let folder = tempfile::tempdir().unwrap();
        write_manual(&folder.path().join("man1")).unwrap();
        let page = |name: &str| fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
        assert!(page("mesh.1").contains(".TH mesh 1"));
        for command in Cli::command().get_subcommands() {
            assert!(page(&format!("mesh-{}.1", command.get_name())).contains(".SH SYNOPSIS"));
        }
        assert!(page("mesh-serve.1").contains("MESH_TRUST_PROXY"), "variables are in the manual, too");
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
