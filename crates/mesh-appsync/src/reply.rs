//! The answers of operations, as values of the schema.

use mesh_core::id::Domain;
use mesh_core::model::{EventSlice, Group, MeshMessage, Node, NodeStatus};
use mesh_core::operations::{
    LeaveGroupAnswer, PollGroupDataAnswer, RecordEventsByNodeAnswer, RenewHeartbeatAnswer,
    SendMemberHeartbeatAnswer,
};

use crate::objects::Slices;
use crate::value::{Object, Value};

/// The answer of an operation.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is what its type says")]
pub enum Reply {
    Domain(Domain),
    Group(Group),
    Groups(Vec<Group>),
    Node(Node),
    Nodes(Vec<Node>),
    LeaveGroup(LeaveGroupAnswer),
    Message(MeshMessage),
    RenewHeartbeat(RenewHeartbeatAnswer),
    SendMemberHeartbeat(SendMemberHeartbeatAnswer),
    RecordEventsByNode(RecordEventsByNodeAnswer),
    Status(Option<NodeStatus>),
    Statuses(Vec<NodeStatus>),
    Events(Vec<EventSlice>),
    PollGroupData(PollGroupDataAnswer),
}

impl Reply {
    /// The number of nodes, values and events in the answer: the work of writing it.
    pub fn items(&self) -> usize {
        let values = |statuses: &[NodeStatus]| statuses.iter().map(|status| 1 + status.data.len()).sum();
        let events = |slices: &[EventSlice]| slices.iter().map(|slice| slice.range.len()).sum::<usize>();
        match self {
            Self::Groups(groups) => groups.len(),
            Self::Nodes(nodes) => nodes.len(),
            Self::Status(status) => values(status.as_slice()),
            Self::Statuses(statuses) => values(statuses),
            Self::Events(slices) => events(slices),
            Self::PollGroupData(answer) => events(&answer.events) + values(&answer.node_statuses),
            _ => 1,
        }
    }

    /// The answer as a value of the schema.
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Domain(domain) => Value::text(domain.as_str()),
            Self::Group(group) => Value::Object(group),
            Self::Groups(groups) => Value::list(groups),
            Self::Node(node) => Value::Object(node),
            Self::Nodes(nodes) => Value::list(nodes),
            Self::LeaveGroup(answer) => Value::Object(answer),
            Self::Message(message) => Value::Object(message),
            Self::RenewHeartbeat(answer) => Value::Object(answer),
            Self::SendMemberHeartbeat(answer) => Value::Object(answer),
            Self::RecordEventsByNode(answer) => Value::Object(answer),
            Self::Status(status) => {
                status.as_ref().map_or(Value::Null, |status| Value::Object(status as &dyn Object))
            }
            Self::Statuses(statuses) => Value::list(statuses),
            Self::Events(slices) => Value::List(Box::new(Slices(slices))),
            Self::PollGroupData(answer) => Value::Object(answer),
        }
    }
}
