//! A run: groups, their nodes, and what becomes of all that they send.

mod lanes;
mod node;
mod poller;
mod receiver;
mod run;
mod sender;
mod setup;

pub use run::{Snapshot, simulate};

use std::time::Duration;

use crate::check::Faults;
use crate::client::CallError;

/// How long behind the end what is late is still sent, and what is missing is waited for.
const GRACE: Duration = Duration::from_secs(5);
/// How long it listens at least, in case something comes twice.
const LINGER: Duration = Duration::from_millis(250);
/// How often it looks meanwhile whether something is missing.
const LOOK: Duration = Duration::from_millis(50);

/// Why a run did not even begin.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}")]
pub struct SetupError {
    /// What was tried.
    pub what: &'static str,
    /// What came of it.
    #[source]
    pub error: CallError,
}

/// Something that receives until it is told when its time is over.
struct Receiver {
    until: tokio::sync::watch::Sender<Option<u64>>,
    task: tokio::task::JoinHandle<Faults>,
}

impl Receiver {
    /// Tells it that nothing published later (microseconds since the beginning) is expected of it.
    fn finish(self, until: u64) -> tokio::task::JoinHandle<Faults> {
        // A task that is gone already has its result.
        let _ = self.until.send(Some(until));
        self.task
    }
}
