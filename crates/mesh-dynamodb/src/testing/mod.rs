//! For tests and for trying functions on one machine: an engine with DynamoDB's behaviour inside the
//! process, reached by the real SDK, with faults on request.

#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "tests stop where this fails")]

mod connector;
mod engine;
mod faults;
mod http;
mod seed;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Config, Region};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;

pub use engine::Engine;
pub use faults::{Fault, Faults, Request};
pub use http::serve;
pub use seed::seed;

use crate::table;
use crate::timeouts::with_timeouts;

/// The name of the table that [`make_table`] makes.
pub const TABLE: &str = "mesh";

/// A client of an engine in this process, whose requests meet those faults on their way.
pub fn client(engine: &Engine, faults: Arc<dyn Faults>) -> Client {
    let config: Builder = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .endpoint_url("http://engine.invalid")
        .allow_no_auth()
        .auth_scheme_preference([AuthSchemeId::from("no_auth")])
        .http_client(connector::client(engine.clone(), faults));
    Client::from_conf(with_timeouts(config).build())
}

/// Makes the table in an engine.
pub async fn make_table(engine: &Engine) {
    let client = client(engine, Arc::new(faults::none));
    table::create(&client, TABLE).await.expect("a new engine has room for a table");
}
