//! For tests: what a process takes from the system, measured in a process of its own.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where something is amiss")]

use std::process::Command;
use std::{env, fs};

/// The name of the test that this process was started for.
const MEASURED: &str = "MESH_MEASURED_TEST";

/// Runs the body of the test `name` in a process of its own, so that no other test takes memory meanwhile.
///
/// # Panics
///
/// If the body does.
pub fn in_own_process(name: &str, body: impl FnOnce()) {
    if env::var(MEASURED).is_ok_and(|measured| measured == name) {
        return body();
    }
    let mut test = Command::new(env::current_exe().expect("a test has a file"));
    test.args(["--exact", name, "--nocapture"]).env(MEASURED, name);
    let output = test.output().expect("a test can be started");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

/// Bytes of memory that this process has for itself.
///
/// # Panics
///
/// On a system that is not Linux.
pub fn resident_bytes() -> usize {
    status_bytes("RssAnon:")
}

/// The most bytes of memory that this process ever had, with its code.
///
/// # Panics
///
/// On a system that is not Linux.
pub fn most_resident_bytes() -> usize {
    status_bytes("VmHWM:")
}

/// A figure of `/proc/self/status`.
fn status_bytes(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells about its processes");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.expect("it tells what a process has") << 10
}
