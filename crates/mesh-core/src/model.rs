//! The model: groups, nodes, their statuses, events, and live messages.

mod event;
mod fields;
mod group;
mod message;
mod page;
mod status;

pub use event::{BatchEvent, CallNumber, Event, EventSlice};
pub use fields::MessageFields;
pub use group::{Group, GroupRecord, Node, NodeRecord};
pub use message::{Content, DissolveReason, GroupDissolve, MeshMessage};
pub use page::PageRoom;
pub use status::{NodeStatus, SensorData};
