//! Subscriptions over WebSockets: one socket, many subscriptions.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`protocol`] | the protocols: AppSync's and the one of graphql-ws |
//! | [`hub`] | who listens to which group, and publishing to them |
//! | [`fan_out`] | the store's messages to the observer and the hub |
//! | [`queue`] | what waits for one connection, within bounds |
//! | [`connection`] | one connection's task, from the upgrade to the close |
//! | [`socket`] | the socket, to which others than that task may write |
//! | [`inbound`] | frames to messages, within limits |
//! | `frames` | frames to clients |
//! | [`outbound`] | waiting frames to as few writes as possible |

pub mod connection;
pub mod fan_out;
pub(crate) mod frames;
pub mod hub;
pub mod inbound;
pub mod outbound;
pub mod protocol;
pub mod queue;
pub(crate) mod reader;
pub mod socket;

#[cfg(test)]
mod tests;
