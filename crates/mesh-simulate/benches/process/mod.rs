//! A server in a process of its own, as the benchmarks measure one.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// The key that the servers are started with.
pub(crate) const API_KEY: &str = "da2-benchmarks";

/// A server in a process of its own, which ends with this value.
pub(crate) struct Process {
    child: Child,
    /// Where it listens, as it says.
    pub(crate) url: String,
}

/// `mesh serve`, by the binary that `MESH_BINARY` names; where it listens and keeps its data is still to say.
pub(crate) fn mesh_serve() -> Command {
    let mut command = Command::new(std::env::var_os("MESH_BINARY").unwrap_or_else(|| {
        panic!("MESH_BINARY must name a release binary of mesh; the make targets build one and do so")
    }));
    command.args(["serve", "--log-level", "warn", "--api-key", API_KEY]);
    command
}

impl Process {
    /// Starts a server, and waits for the line that says where it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        // The variables of the environment are meant for another server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"MESH_"))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot start: {error}"));
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let url = ready.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
        let mut errors = child.stderr.take().unwrap();
        if !url.contains("://") {
            let mut reason = String::new();
            errors.read_to_string(&mut reason).unwrap();
            panic!("{command:?} did not start: {reason}");
        }
        // Nobody reads its later lines, but they must not block it.
        std::thread::spawn(move || io::copy(&mut errors, &mut io::sink()));
        Self { child, url }
    }

    /// Its number in the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
