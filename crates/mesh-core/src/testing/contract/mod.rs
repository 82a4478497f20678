//! The contract of every store, as one suite: run on each home, so that they cannot drift apart.
//!
//! Each function takes a way to make an empty home and runs the cases of one area. A home calls them
//! all from its tests.

mod events;
mod groups;
mod lifecycle;
mod members;
mod polling;
mod secrets;
mod status;

pub use events::events;
pub use groups::groups;
pub use lifecycle::lifecycle;
pub use members::members;
pub use polling::polling;
pub use secrets::secrets;
pub use status::status;

use crate::error::Error;
use crate::error::Result;
use crate::id::{Domain, GroupKey, Id};
use crate::store::Store;
use crate::testing::Harness;

/// Runs cases, each in an empty home.
macro_rules! cases {
    ($make:expr, $($case:ident),+ $(,)?) => {
        $( $case($make().await).await; )+
    };
}
use cases;

/// The refusal, as the client sees it.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, String) {
    let error = result.expect_err("this must be refused");
    (error.error_type().as_str(), error.to_string())
}

fn group_not_found(key: &GroupKey) -> (&'static str, String) {
    ("GroupNotFound", Error::GroupNotFound(key.clone()).to_string())
}

fn group_expired(key: &GroupKey) -> (&'static str, String) {
    ("GroupNotFound", Error::GroupExpired(key.clone()).to_string())
}

fn host_silent(key: &GroupKey) -> (&'static str, String) {
    ("GroupNotFound", Error::HostSilent(key.clone()).to_string())
}

fn node_not_found(node: &str) -> (&'static str, String) {
    ("NodeNotFound", format!("Node not found: {node}"))
}

fn key(id: &str, domain: &str) -> GroupKey {
    GroupKey { id: Id::from(id), domain: Domain::from(domain) }
}

/// The refusals of all operations on this group; `node` is a joined node, `host` its host.
async fn refusals_of_all<S: Store>(
    room: &Harness<S>,
    group: &GroupKey,
    host: &str,
    node: &str,
) -> Vec<(&'static str, String)> {
    vec![
        refusal(room.join(group, node).await),
        refusal(room.renew(group, host).await),
        refusal(room.beat(group, node).await),
        refusal(room.report(group, node, &[("a", "1")]).await),
        refusal(room.fire_names(group, node, &["e"]).await),
        refusal(room.record_names(group, node, &["e"]).await),
        refusal(room.leave(group, node).await),
        refusal(room.dissolve(group, host).await),
        refusal(room.statuses(group).await),
        refusal(room.nodes(group).await),
        refusal(room.poll(group, "").await),
    ]
}
