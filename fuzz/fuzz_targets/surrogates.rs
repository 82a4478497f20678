//! See `tests/fuzzing/surrogates.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::surrogates;

fuzz_target!(|bytes: &[u8]| surrogates::check(bytes));
