//! GraphQL as AppSync serves it: schema.graphql is the contract, documents are validated against it,
//! and answers and errors have AppSync's form.
//!
//! Parsing, validation, coercion and introspection are a library's. Our own are the limits, the forms,
//! and writing a selection straight from the model.

pub mod document;
pub mod error;
pub mod execute;
pub mod request;
pub mod schema;

mod arguments;
mod plan;

#[cfg(test)]
mod tests;
