//! See `tests/fuzzing/dates.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::dates;

fuzz_target!(|bytes: &[u8]| dates::check(bytes));
