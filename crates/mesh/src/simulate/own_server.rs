//! A server in memory for a run without an endpoint.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use mesh_server::keys::new_api_key;

/// The most nodes of a group that a server has room for by itself.
const DEFAULT_NODES: usize = 500;

/// A server in memory, in a process of its own so that it can be measured. Ends with this value.
pub(super) struct OwnServer {
    child: Child,
    pub(super) endpoint: String,
    pub(super) api_key: String,
}

impl OwnServer {
    /// Starts it on a free port of this machine, for groups of so many nodes.
    pub(super) fn start(nodes: usize) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start a server: {error}");
        let api_key = new_api_key().map_err(|error| format!("cannot make a key: {error}"))?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        // The variables of the environment are meant for another server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"MESH_"))
        {
            command.env_remove(name);
        }
        command.args([
            "serve",
            "--in-memory",
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "warn",
            "--rate-limit",
            "off",
        ]);
        command.env("MESH_API_KEY", &api_key);
        if nodes > DEFAULT_NODES {
            command.args(["--max-nodes-per-group", &nodes.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C ends the run, and the run ends the server.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut server = Self { child: command.spawn().map_err(failed)?, endpoint: String::new(), api_key };
        let mut ready = String::new();
        if let Some(output) = server.child.stdout.take() {
            BufReader::new(output).read_line(&mut ready).map_err(failed)?;
        }
        let errors = server.child.stderr.take();
        let Some((_, endpoint)) = ready.trim_end().rsplit_once(' ') else {
            let mut reason = String::new();
            if let Some(mut errors) = errors {
                errors.read_to_string(&mut reason).map_err(failed)?;
            }
            return Err(format!("a server could not start: {}", reason.trim_end()));
        };
        endpoint.clone_into(&mut server.endpoint);
        // Nobody reads its later lines, but they must not block it.
        if let Some(mut errors) = errors {
            std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        }
        Ok(server)
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
