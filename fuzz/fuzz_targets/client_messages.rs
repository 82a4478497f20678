//! See `tests/fuzzing/client_messages.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::client_messages;

fuzz_target!(|bytes: &[u8]| client_messages::check(bytes));
