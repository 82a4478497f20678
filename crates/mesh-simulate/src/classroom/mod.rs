//! A run: groups, their nodes, and what becomes of all that they send.

mod lanes;
mod names;
mod node;
mod poller;
mod receiver;
mod run;
mod sender;
mod setup;
mod simulate;

pub use run::Snapshot;
pub use simulate::simulate;

use std::time::Duration;

use crate::check::Faults;
use crate::client::CallError;

/// The time after the end in which late mutations are still sent and missing ones are waited for.
const GRACE: Duration = Duration::from_secs(5);
/// The shortest time for which it listens, in case something comes twice.
const LINGER: Duration = Duration::from_millis(250);
/// The interval at which it looks for missing messages meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Why a run did not even begin.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A group or a node could not be made.
    #[error("{what}: {error}")]
    Failed {
        /// The step that failed.
        what: &'static str,
        /// The cause.
        #[source]
        error: CallError,
    },
    /// It was told to stop before all nodes had joined.
    #[error("stopped before all nodes had joined: nothing was measured")]
    Stopped,
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
