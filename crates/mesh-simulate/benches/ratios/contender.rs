//! The servers that are measured: `mesh serve`, and the floor beside it, each in a process of its own.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use mesh_simulate::client::{Endpoint, Trust};
use tempfile::TempDir;

/// The argument that makes this program the floor.
pub(crate) const FLOOR: &str = "serve-the-floor";

const API_KEY: &str = "da2-benchmarks";

/// A kind of server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The least that a server can do.
    Floor,
    /// `mesh serve`, the binary that `MESH_BINARY` names.
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
    child: Child,
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
            Kind::Mesh => Command::new(std::env::var_os("MESH_BINARY").unwrap_or_else(|| {
                panic!("MESH_BINARY must name a release binary of mesh; make bench builds one and does so")
            })),
        };
        // The variables of the environment are meant for another server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"MESH_"))
        {
            command.env_remove(name);
        }
        match kind {
            Kind::Floor => command.arg(FLOOR),
            Kind::Mesh => command
                .args([
                    "serve",
                    "--listen",
                    "127.0.0.1:0",
                    "--log-level",
                    "warn",
                    "--rate-limit",
                    "off",
                    "--api-key",
                    API_KEY,
                ])
                .args(match &data {
                    Some(folder) => vec!["--data".as_ref(), folder.path().as_os_str()],
                    None => vec!["--in-memory".as_ref()],
                }),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot start: {error}"));
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let url = ready.trim_end().rsplit(' ').next().unwrap_or_default();
        let mut errors = child.stderr.take().unwrap();
        let Ok(endpoint) = Endpoint::new(url, API_KEY, &Trust::System) else {
            let mut reason = String::new();
            errors.read_to_string(&mut reason).unwrap();
            panic!("{command:?} did not start: {reason}");
        };
        // Nobody reads its later lines, but they must not block it.
        std::thread::spawn(move || io::copy(&mut errors, &mut io::sink()));
        Self { child, endpoint: Arc::new(endpoint), _data: data }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
