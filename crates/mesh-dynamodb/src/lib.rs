//! The cloud home's [`Store`](mesh_core::store::Store): one DynamoDB table.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`store`] | [`DynamoStore`]: the verbs, each within its time |
//! | [`table`] | the table's definition, and the requests to it with the units they used |
//! | [`timeouts`] | how often the SDK tries, and for how long |
//! | [`publisher`] | the port to who publishes recorded calls |
//!
//! A group's item lies in its domain's partition, found from the group's id alone; its members and
//! recorded calls have a partition of their own. Every change is one conditional write on what the
//! verb read, so nothing is brought back that another call removed. Whether something is still in
//! force is decided on read; DynamoDB's TTL, which deletes late, only cleans up.
//!
//! What each operation costs is a test: `tests/units.rs`.

pub mod publisher;
pub mod store;
pub mod table;
pub mod timeouts;

mod backoff;
mod events;
mod groups;
mod items;
mod lifecycle;
mod log;
mod lookup;
mod members;
mod polling;
mod seats;
mod status;
mod verbs;

#[cfg(feature = "testing")]
pub mod testing;

pub use items::group_id::is_group_id;
pub use publisher::Publisher;
pub use store::DynamoStore;
pub use table::Table;
