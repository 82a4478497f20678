//! The CPU time, memory and open files of a server on this machine, read from `/proc`; unknown on other systems.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

/// The CPU time and memory of a process in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerUse {
    /// Seconds of processor time, the system's on its behalf included.
    pub cpu_seconds: f64,
    /// The same as processors kept busy.
    pub cores: f64,
    /// Its resident memory at the end, in bytes.
    pub resident_bytes: u64,
}

impl fmt::Display for ServerUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.resident_bytes / 1_000_000;
        write!(f, "{:.3} of a core, {megabytes} MB of memory", self.cores)
    }
}

/// A reading of a process, to compare with a later one.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    process: u32,
    cpu: Duration,
    at: Instant,
}

/// The kernel counts processor time in ticks of so many milliseconds on every Linux of today.
///
/// Source: proc(5), `/proc/pid/stat`; `USER_HZ` is 100.
const TICK: Duration = Duration::from_millis(10);
/// Bytes of a kilobyte in `/proc/pid/status`.
const KILOBYTE: u64 = 1_024;

impl Reading {
    /// Reads what a process used so far.
    pub fn of(process: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name in parentheses may have spaces; utime and stime are the 12th and 13th behind it.
        let mut behind_name = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let ticks: u32 =
            behind_name.next()?.parse::<u32>().ok()? + behind_name.next()?.parse::<u32>().ok()?;
        Some(Self { process, cpu: TICK * ticks, at: Instant::now() })
    }

    /// Reads its use since then.
    pub fn until_now(&self) -> Option<ServerUse> {
        let now = Self::of(self.process)?;
        let cpu = now.cpu.saturating_sub(self.cpu).as_secs_f64();
        let seconds = now.at.duration_since(self.at).as_secs_f64();
        let resident_bytes = resident_bytes(self.process)?;
        Some(ServerUse { cpu_seconds: cpu, cores: cpu / seconds.max(0.001), resident_bytes })
    }
}

/// The resident memory of a process.
pub fn resident_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * KILOBYTE)
}

/// The number of files and sockets that a process has open.
pub fn open_files(process: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{process}/fd")).ok()?.count())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let reading = Reading::of(std::process::id()).unwrap();
        let mut sum = 0_u64;
        // Until the kernel has counted a tick; what is computed must not be computed away.
        while reading.until_now().unwrap().cpu_seconds == 0.0 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(reading.until_now().unwrap().resident_bytes > 100_000);
        assert!(open_files(std::process::id()).unwrap() > 2);
        assert!(Reading::of(u32::MAX).is_none());
    }
}
