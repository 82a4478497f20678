//! See `tests/fuzzing/sockets.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::sockets;

fuzz_target!(|bytes: &[u8]| sockets::check(bytes));
