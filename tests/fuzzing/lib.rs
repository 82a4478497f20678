//! What fuzzers feed with bytes. Each target panics where a rule is broken, whatever the bytes are.
//!
//! | module | what the bytes are |
//! | --- | --- |
//! | [`client_messages`] | a message of a realtime client |
//! | [`cursors`] | the argument `since` of a poll |
//! | [`dates`] | a date-time |
//! | [`graphql`] | a document and its variables, run against a store |
//! | [`journal`] | the file of a store, or damage to a good one |
//! | [`lambda_events`] | events of AppSync, one a line, run against a table |
//! | [`sockets`] | the steps of a whole connection: bytes, messages, reports, pauses |
//! | [`surrogates`] | the escapes of a JSON text |

#![cfg(feature = "testing")]
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used)]

mod classroom;
pub mod client_messages;
pub mod cursors;
pub mod dates;
pub mod graphql;
pub mod journal;
pub mod lambda_events;
pub mod sockets;
pub mod surrogates;

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// All targets, by the names of their binaries in `fuzz/` and of their folders in `fuzz/corpus/`.
pub const TARGETS: [(&str, Target); 8] = [
    ("client_messages", client_messages::check),
    ("cursors", cursors::check),
    ("dates", dates::check),
    ("graphql", graphql::check),
    ("journal", journal::check),
    ("lambda_events", lambda_events::check),
    ("sockets", sockets::check),
    ("surrogates", surrogates::check),
];
