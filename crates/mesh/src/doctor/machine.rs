//! Whether this machine can keep what it is told: the disk, the clock, descriptors.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mesh_core::time::Timestamp;

use super::Finding;
use crate::serve::{STORE_FILE, possible_connections};

/// A batch of changes as the log writes it.
const BATCH: [u8; 4_096] = [0; 4_096];
/// So many flushes tell a disk that is slow from one that was slow once.
const FLUSHES: usize = 15;
/// From here on a class feels it where each change waits for the disk.
const SLOW_FLUSH: Duration = Duration::from_millis(20);
/// From here on flushes take longer than the time between them.
const BROKEN_FLUSH: Duration = Duration::from_secs(1);
/// A machine whose clock stands earlier than this, 2026-01-01, has lost its battery, or never had one.
const EARLIEST: Duration = Duration::from_hours(490_896);
/// The log of the last lesson may be so far ahead of the clock.
const AHEAD: Duration = Duration::from_mins(1);
/// Below this, two classes with a socket and a page each may be too many.
const FEW_CONNECTIONS: usize = 512;

/// The time that a flush takes beside the data.
pub(super) fn disk(data: &Path) -> Finding {
    // What does not exist yet is made by the server; its disk is that of the folder around it.
    let folder = data.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    match flushes(folder) {
        Ok(times) => judged(&times),
        Err(error) => Finding::problem(
            "disk",
            format!("nothing can be written in {}: {error}", folder.display()),
            "choose another folder with --data, or --in-memory",
        ),
    }
}

fn flushes(folder: &Path) -> io::Result<Vec<Duration>> {
    let path = folder.join("mesh-doctor.tmp");
    let mut file = File::create(&path)?;
    let mut flush = || {
        file.write_all(&BATCH)?;
        let began = Instant::now();
        file.sync_data()?;
        Ok(began.elapsed())
    };
    let times: io::Result<Vec<_>> = (0..FLUSHES).map(|_| flush()).collect();
    fs::remove_file(&path)?;
    let mut times = times?;
    times.sort_unstable();
    Ok(times)
}

/// What flushes say, the shortest first.
fn judged(times: &[Duration]) -> Finding {
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let found = format!("a flush takes {:.1} ms, the longest {:.1} ms", millis(median), millis(longest));
    if median >= BROKEN_FLUSH {
        return Finding::problem("disk", found, "choose another disk with --data, or --in-memory");
    }
    if median >= SLOW_FLUSH {
        return Finding::note(
            "disk",
            found,
            "keep --sync at 1s; always would make every change wait so long",
        );
    }
    Finding::ok("disk", found)
}

/// The clock, beside the time of the last lesson.
pub(super) fn clock(now: SystemTime, data: &Path) -> Finding {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let shown = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX));
    let set = "set the clock: certificates and the times of events depend on it";
    let written = fs::metadata(data.join(STORE_FILE)).and_then(|metadata| metadata.modified());
    let back = written.ok().and_then(|written| written.duration_since(now).ok()).unwrap_or_default();
    if since_epoch < EARLIEST {
        return Finding::problem("clock", format!("{shown} is in the past"), set);
    }
    if back > AHEAD {
        let found = format!("{shown} is {} minutes before the last lesson", back.as_secs() / 60);
        return Finding::problem("clock", found, set);
    }
    Finding::ok("clock", shown.to_string())
}

/// How many connections the system lets a process have.
pub(super) fn descriptors() -> Finding {
    of_connections(possible_connections())
}

fn of_connections(possible: usize) -> Finding {
    if possible == usize::MAX {
        return Finding::ok("descriptors", "no limit");
    }
    let found = format!("room for {possible} connections");
    if possible < FEW_CONNECTIONS {
        return Finding::note(
            "descriptors",
            found,
            "raise the hard limit of open files: ulimit -Hn 65536, or LimitNOFILE=65536 in the unit",
        );
    }
    Finding::ok("descriptors", found)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn slow_disks_are_told() {
        let of = |millis: u64| judged(&vec![Duration::from_millis(millis); FLUSHES]).state;
        assert_eq!([of(1), of(19), of(20), of(1_000)], [State::Ok, State::Ok, State::Note, State::Problem]);
        let mut once = vec![Duration::from_millis(1); FLUSHES];
        once[FLUSHES - 1] = Duration::from_secs(2);
        assert_eq!(judged(&once).state, State::Ok, "slow once is not slow");
    }

    #[test]
    fn nothing_stays_of_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("not/there/yet");
        assert!(disk(&data).found.contains("a flush takes"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn clocks_without_a_battery_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(clock(at(0), folder.path()).state, State::Problem);
        let now = EARLIEST.as_secs() + 86_400;
        assert_eq!(clock(at(now), folder.path()).found, "2026-01-02T00:00:00.000Z");
        let log = File::create(folder.path().join(STORE_FILE)).unwrap();
        log.set_modified(at(now + 7_200)).unwrap();
        let back = clock(at(now), folder.path());
        assert_eq!((back.state, back.found.contains("120 minutes before")), (State::Problem, true), "{back}");
    }

    #[test]
    fn few_descriptors_are_told() {
        let of = |possible| of_connections(possible).state;
        assert_eq!([of(128), of(512), of(usize::MAX)], [State::Note, State::Ok, State::Ok]);
    }
}
