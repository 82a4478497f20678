//! See `tests/fuzzing/cursors.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::cursors;

fuzz_target!(|bytes: &[u8]| cursors::check(bytes));
