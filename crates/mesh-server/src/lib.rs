//! Mesh on one machine: AppSync's GraphQL over HTTP and its realtime protocol, over an embedded store.

pub mod graphql;
pub mod private_file;
pub mod store;
