//! A hook for whoever wants to see what the server does, without the server knowing who that is.

use std::net::IpAddr;

use mesh_appsync::Call;
use mesh_core::model::MeshMessage;

/// Sees calls as they come and messages as they are published. Called on the way of every request, so
/// an observer returns at once and never waits.
pub trait Observer: Send + Sync + 'static {
    /// A call that is about to run, and the address that it comes from.
    fn called(&self, call: &Call, from: IpAddr);

    /// A message that is about to go to its subscribers.
    fn published(&self, message: &MeshMessage);
}
