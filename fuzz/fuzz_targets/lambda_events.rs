//! See `tests/fuzzing/lambda_events.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::lambda_events;

fuzz_target!(|bytes: &[u8]| lambda_events::check(bytes));
