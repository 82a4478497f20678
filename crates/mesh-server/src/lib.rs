//! Mesh on one machine: AppSync's GraphQL over HTTP and its realtime protocol, over an embedded store.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`board`] | what a teacher sees of all groups |
//! | [`http`] | the routes: /graphql, the upgrade, /health, /metrics |
//! | [`join`] | the code by which pupils come in |
//! | [`graphql`] | requests, validated against schema.graphql, to operations and answers |
//! | [`realtime`] | subscriptions over WebSockets |
//! | [`limits`] | fair shares of connections, time and memory |
//! | [`server`] | listeners, TLS, starting and stopping |
//! | [`wiring`] | one server out of its parts |
//! | [`observer`] | a hook for whoever wants to see what the server does |
//!
//! ```
//! use mesh_server::graphql::engine::Engine;
//! use mesh_server::graphql::request::Request;
//!
//! let engine = Engine::new()?;
//! let request = Request::parse(br#"{"query": "{ listGroupsByDomain(domain: \"d\") { id } }"}"#)?;
//! assert!(engine.prepare(&request, None).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`wiring::Parts::build`] puts a whole server together.

pub mod board;
pub mod clock;
pub mod cloud_variables;
pub mod graphql;
pub mod http;
pub mod join;
pub mod keys;
pub mod limits;
pub mod metrics;
pub mod observer;
pub mod realtime;
pub mod server;
mod sync;
pub mod wiring;

#[cfg(feature = "testing")]
pub mod testing;
