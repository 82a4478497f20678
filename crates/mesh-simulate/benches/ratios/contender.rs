//! The servers that are measured: `mesh serve`, and the floor beside it, each in a process of its own.

use std::process::Command;
use std::sync::Arc;

use mesh_simulate::client::Endpoint;
use tempfile::TempDir;

use crate::process::{Process, mesh_serve};

/// The argument that makes this program the floor.
pub(crate) const FLOOR: &str = "serve-the-floor";

/// A kind of server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The least that a server can do.
    Floor,
    /// `mesh serve`.
    Mesh,
}

/// The place of Mesh's data. The floor keeps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// `--in-memory`
    Memory,
    /// `--data`, on the disk of the target folder.
    Disk,
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
        let data = (home == Home::Disk).then(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        let mut command = match kind {
            Kind::Floor => Command::new(std::env::current_exe().unwrap()),
            Kind::Mesh => mesh_serve(),
        };
        match (kind, &data) {
            (Kind::Floor, _) => command.arg(FLOOR),
            (Kind::Mesh, Some(folder)) => command.args(["--rate-limit", "off", "--data"]).arg(folder.path()),
            (Kind::Mesh, None) => command.args(["--rate-limit", "off", "--in-memory"]),
        };
        let process = Process::start(command);
        Self { endpoint: process.endpoint.clone(), process, _data: data }
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }
}
