//! Mesh on one machine: AppSync's GraphQL over HTTP and its realtime protocol, over an embedded store.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`board`] | what a teacher sees of all groups |
//! | [`http`] | the routes: /graphql, the upgrade, /health, /metrics |
//! | [`join`] | the code by which pupils come in |
//! | [`graphql`] | requests, validated against schema.graphql, to operations and answers |
//! | [`realtime`] | subscriptions over WebSockets |
//! | [`server`] | listeners, limits on connections, TLS, starting and stopping |

pub mod board;
pub mod clock;
pub mod graphql;
pub mod http;
pub mod join;
pub mod keys;
pub mod metrics;
pub mod realtime;
pub mod server;

#[cfg(feature = "testing")]
pub mod testing;
