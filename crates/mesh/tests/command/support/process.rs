//! `mesh` as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{Client, KEY};

/// A running `mesh serve`, killed when dropped.
pub struct Process {
    child: Child,
    /// The line on standard output.
    pub ready: String,
    pub address: SocketAddr,
    errors: Arc<Mutex<String>>,
}

/// The command, without what the environment of the tests might say.
pub fn mesh() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MESH_")) {
        command.env_remove(name);
    }
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Process {
    /// Serves on a free port with the tests' key and these arguments.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut command = mesh();
        command.args(["serve", "--listen", "127.0.0.1:0", "--api-key", KEY]).args(arguments);
        Self::spawn(command).await
    }

    /// The same with its data in a folder.
    pub async fn over(folder: &Path) -> Self {
        Self::start(&["--data", folder.to_str().unwrap()]).await
    }

    /// Runs a command that serves, and waits until it is ready.
    pub async fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let errors = Arc::<Mutex<String>>::default();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let collected = errors.clone();
        tokio::spawn(async move {
            let mut line = String::new();
            while stderr.read_line(&mut line).await.is_ok_and(|length| length > 0) {
                collected.lock().push_str(&std::mem::take(&mut line));
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).await.unwrap();
        let endpoint = ready.trim().rsplit_once(' ').map(|(_, endpoint)| endpoint);
        let address = endpoint.and_then(|endpoint| endpoint.split('/').nth(2)?.parse().ok());
        let Some(address) = address else { panic!("not ready: {ready:?} {}", errors.lock()) };
        // Its text for people comes earlier but through another pipe; the last line of that is for curl.
        while !errors.lock().contains("createDomain") {
            tokio::task::yield_now().await;
        }
        // Whatever it prints later must not block it.
        tokio::spawn(async move { stdout.read_to_end(&mut Vec::new()).await });
        Self { child, ready, address, errors }
    }

    /// Its standard error so far.
    pub fn errors(&self) -> String {
        self.errors.lock().clone()
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    pub async fn data(&self, query: &str, variables: Value) -> Value {
        self.client().await.data(query, variables).await
    }

    /// kill -9.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until it ended by itself; the exit code, and its standard error.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().await.unwrap().code();
        (code, self.errors())
    }

    /// SIGTERM; the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        let status = Command::new("kill").arg(self.id().to_string()).status().await.unwrap();
        assert!(status.success());
        self.child.wait().await.unwrap().code()
    }
}
