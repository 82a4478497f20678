//! See `tests/fuzzing/journal.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::journal;

fuzz_target!(|bytes: &[u8]| journal::check(bytes));
