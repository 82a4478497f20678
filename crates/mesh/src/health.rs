//! `mesh health`: whether the server of this machine serves, for containers and monitors.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args};
use mesh_simulate::client::{Endpoint, Trust, health};

use super::{block_on, failed};

/// What `mesh health` is told: the options of `mesh serve` that say where it listens, so that one
/// environment serves both.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the server listens; the first of several is asked
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "MESH_LISTEN",
        default_value = "127.0.0.1:4000",
        value_delimiter = ','
    )]
    listen: Vec<String>,

    /// It serves https
    #[arg(long, env = "MESH_TLS", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    tls: bool,

    /// It serves https with this certificate chain
    #[arg(long, value_name = "FILE", env = "MESH_TLS_CERT")]
    tls_cert: Option<PathBuf>,
}

/// Asks once.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let Some(listen) = arguments.listen.first() else { return ExitCode::FAILURE };
    // The key does not matter, nor whose certificate it is: the server is this machine's own.
    let scheme = if arguments.tls || arguments.tls_cert.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/health", dialled(listen));
    let endpoint = match Endpoint::new(&url, "", &Trust::Anything) {
        Ok(endpoint) => endpoint,
        Err(error) => return failed(&error),
    };
    match block_on(health(&endpoint)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed,
    }
}

/// The address to dial for one that is listened on: an unspecified one is reached by loopback.
fn dialled(listen: &str) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()).to_string()
        }
        _ => listen.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_is_asked_by_loopback() {
        assert_eq!(dialled("0.0.0.0:4000"), "127.0.0.1:4000");
        assert_eq!(dialled("[::]:4001"), "127.0.0.1:4001");
        assert_eq!(dialled("192.168.1.20:80"), "192.168.1.20:80");
        assert_eq!(dialled("localhost:4000"), "localhost:4000");
    }
}
