//! See `tests/fuzzing/graphql.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesh_fuzzing::graphql;

fuzz_target!(|bytes: &[u8]| graphql::check(bytes));
