//! The servers that are measured: `mesh serve`, and the floor beside it, each in a process of its own.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use mesh_simulate::client::{Endpoint, Trust};
use tempfile::TempDir;

use crate::process::{API_KEY, Process, mesh_serve};
use crate::slow_flush;

/// The argument that makes this program the floor.
pub(crate) const FLOOR: &str = "serve-the-floor";
/// The argument that makes the floor encrypt.
pub(crate) const TLS: &str = "--tls";
/// The teacher's key of `mesh serve`.
pub(crate) const ADMIN_KEY: &str = "admin-benchmarks";

/// The addresses where a server listens: from one of this machine, 28,000 connections lead to one of them.
pub(crate) const ADDRESSES: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// A kind of server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The least that a server can do.
    Floor,
    /// `mesh serve`.
    Mesh,
}

/// The place of Mesh's data, and the way to it. The floor keeps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// `--in-memory`
    Memory,
    /// `--data`, on the disk of the target folder.
    Disk,
    /// The same, where each flush takes 100 ms more.
    SlowDisk,
    /// `--in-memory --tls`, and a floor with TLS.
    Tls,
}

/// A server in a process of its own, which ends with this value.
pub(crate) struct Contender {
    process: Process,
    pub(crate) endpoint: Arc<Endpoint>,
    _data: Option<TempDir>,
}

impl Contender {
    /// Starts it on a free port of this machine.
    pub(crate) fn start(kind: Kind, home: Home) -> Self {
        // A temporary folder is often not on a disk.
        let data = matches!(home, Home::Disk | Home::SlowDisk)
            .then(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        let mut command = match kind {
            Kind::Floor => Command::new(std::env::current_exe().unwrap()),
            Kind::Mesh => mesh_serve(),
        };
        let port = free_port();
        match kind {
            Kind::Floor => command.args([FLOOR, &port.to_string()]),
            Kind::Mesh => command.args(["--rate-limit", "off", "--admin-key", ADMIN_KEY]),
        };
        if kind == Kind::Mesh {
            command.args(ADDRESSES.map(|address| format!("--listen={address}:{port}")));
            match &data {
                Some(folder) => command.arg("--data").arg(folder.path()),
                None => command.arg("--in-memory"),
            };
        }
        if home == Home::SlowDisk && kind == Kind::Mesh {
            slow_flush::preload(&mut command);
        }
        if home == Home::Tls {
            command.arg(TLS);
        }
        let process = Process::start(command);
        Self { endpoint: endpoint(&process.url), process, _data: data }
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Another client's endpoint, which shares no TLS session with others, on one of [`ADDRESSES`].
    pub(crate) fn endpoint_at(&self, address: &str) -> Arc<Endpoint> {
        endpoint(&self.process.url.replace(ADDRESSES[0], address))
    }

    /// The address and port, as a socket connects to it.
    pub(crate) fn authority(&self) -> &str {
        self.process.url.split('/').nth(2).unwrap_or_default()
    }
}

fn endpoint(url: &str) -> Arc<Endpoint> {
    Arc::new(Endpoint::new(url, API_KEY, &Trust::Anything).unwrap())
}

/// A port that is free on all addresses, as far as one can know.
fn free_port() -> u16 {
    let bound: Vec<_> = (0..16).map(|_| TcpListener::bind((ADDRESSES[0], 0)).unwrap()).collect();
    let mut ports = bound.iter().map(|listener| listener.local_addr().unwrap().port());
    ports.find(|port| TcpListener::bind((ADDRESSES[1], *port)).is_ok()).unwrap()
}
