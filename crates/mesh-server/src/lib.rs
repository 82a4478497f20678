//! Mesh on one machine: AppSync's GraphQL over HTTP and its realtime protocol, over an embedded store.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`board`] | what a teacher sees of all groups |
//! | [`cli`] | the command `mesh` |
//! | [`http`] | the routes: /graphql, the upgrade, /health, /metrics |
//! | [`graphql`] | requests, validated against schema.graphql, to operations and answers |
//! | [`realtime`] | subscriptions over WebSockets |
//! | [`store`] | groups, members, statuses and events, in memory and on disk |
//! | [`server`] | listeners, limits on connections, TLS, starting and stopping |

pub mod board;
pub mod cli;
pub mod clock;
pub mod graphql;
pub mod http;
pub mod keys;
pub mod metrics;
pub mod private_file;
pub mod realtime;
pub mod server;
pub mod store;
