//! AppSync's shapes, the same in both homes: the schema's fields as calls of operations, their
//! results as GraphQL values, and the JSON that clients read.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`call`] | a field and its arguments, read into an operation |
//! | [`reply`] | what an operation answers, as a value of the schema |
//! | [`value`] | values and objects of the schema |
//! | [`selection`] | which fields of an object are wanted, and writing just those |
//! | [`event`] | what AppSync's resolver hands to a function, and what the function hands back |
//! | [`surrogates`] | halves of characters in JSON texts |
//! | [`message_fields`] | the fields of a live message by their paths |
//! | [`size`] | the size of a live message, before it is taken |
//!
//! ```
//! use mesh_appsync::event::Event;
//!
//! let event = br#"{"field": "getNodeStatus", "arguments": {"nodeId": "n1"}}"#;
//! let call = Event::parse(event)?.call(2)?;
//! assert!(matches!(call, mesh_appsync::Call::GetNodeStatus(call) if call.node_id.as_str() == "n1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod call;
pub mod event;
pub mod message_fields;
pub mod pieces;
pub mod reply;
pub mod selection;
pub mod size;
pub mod surrogates;
pub mod value;

mod objects;

#[cfg(test)]
mod tests;

pub use call::Call;
pub use reply::Reply;
