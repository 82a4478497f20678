//! What log queries are told of an environment that Lambda started: its cold start, and its memory. Lambda's own
//! report has both, but only with a system log that writes two more lines for each call.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Every how many calls the memory is told: reading it takes longer than all other work on a line.
const CALLS: u64 = 100;

/// The start of this process, until it is told.
#[derive(Debug, Default)]
pub struct Start {
    init: Mutex<Option<Duration>>,
    calls: AtomicU64,
}

/// The figures of one line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// The time in which everything that the function needs was opened, told with an environment's first call.
    pub init: Option<Duration>,
    /// The most memory that was resident so far, in bytes.
    pub memory: Option<u64>,
}

impl Start {
    /// A start that took so long.
    pub fn took(init: Duration) -> Self {
        Self { init: Mutex::new(Some(init)), calls: AtomicU64::new(0) }
    }

    /// The figures that the next call tells.
    pub fn tell(&self) -> Told {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Told {
            init: self.init.lock().ok().and_then(|mut init| init.take()),
            memory: if call.is_multiple_of(CALLS) { peak_memory() } else { None },
        }
    }
}

/// The most memory that this process had resident; `None` where there is no Linux.
fn peak_memory() -> Option<u64> {
    peak_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Source: `proc_pid_status(5)`, `VmHWM`.
fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_told_once_and_memory_now_and_then() {
        let start = Start::took(Duration::from_millis(80));
        let first = start.tell();
        assert_eq!(first.init, Some(Duration::from_millis(80)));
        let told: Vec<_> = (1..=CALLS).map(|_| start.tell()).collect();
        assert!(told.iter().all(|told| told.init.is_none()));
        if cfg!(target_os = "linux") {
            assert!(first.memory.is_some_and(|bytes| bytes > 1 << 20));
            assert_eq!(told.iter().filter(|told| told.memory.is_some()).count(), 1);
        }
    }

    #[test]
    fn memory_is_read() {
        assert_eq!(peak_of("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(peak_of("Name:\tx\n"), None);
    }
}
