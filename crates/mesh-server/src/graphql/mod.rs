//! GraphQL as AppSync serves it: schema.graphql is the contract, documents are validated against it,
//! and answers and errors have AppSync's form.
//!
//! Parsing, validation and introspection are a library's. Our own are the limits, the forms, reading
//! arguments straight into operations, and writing selections straight from the model.

pub mod answer;
pub mod document;
pub mod engine;
pub mod error;
pub mod executor;
pub mod request;
pub mod schema;

mod arguments;
mod plan;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod memory_tests;
#[cfg(test)]
mod tests;
