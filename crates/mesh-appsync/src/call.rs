//! A field of the schema and its arguments, as a call of an operation.

use std::net::IpAddr;

use mesh_core::Context;
use mesh_core::error::Result;
use mesh_core::id::{Domain, Id};
use mesh_core::model::MessageFields;
use mesh_core::network::Network;
use mesh_core::operations::{
    CreateDomain, CreateGroup, DissolveGroup, FireEventsByNode, GetEventsSince, GetNodeStatus, JoinGroup,
    LeaveGroup, ListGroupStatuses, ListGroupsByDomain, ListNodesInGroup, Operation, PollGroupData,
    RecordEventsByNode, RenewHeartbeat, ReportStatus, SearchGroupsByNamePrefix, SendMemberHeartbeat,
};
use mesh_core::settings::Settings;
use mesh_core::store::Store;
use serde::{Deserialize, Deserializer};

use crate::reply::Reply;
use crate::size;

/// Every root field of the schema.
pub const FIELDS: [&str; 20] = [
    "createDomain",
    "createGroup",
    "joinGroup",
    "leaveGroup",
    "dissolveGroup",
    "renewHeartbeat",
    "sendMemberHeartbeat",
    "reportDataByNode",
    "reportStatus",
    "fireEventsByNode",
    "recordEventsByNode",
    "publishEventsByNode",
    "listGroupsByDomain",
    "searchGroupsByNamePrefix",
    "getNodeStatus",
    "listGroupStatuses",
    "listNodesInGroup",
    "getEventsSince",
    "pollGroupData",
    "onMessageInGroup",
];

/// A call of an operation. Every field of `Query` and `Mutation` is one, but `publishEventsByNode`,
/// which AppSync answers by itself.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is the operation of its name")]
pub enum Call {
    CreateDomain(CreateDomain),
    CreateGroup(CreateGroup),
    JoinGroup(JoinGroup),
    LeaveGroup(LeaveGroup),
    DissolveGroup(DissolveGroup),
    RenewHeartbeat(RenewHeartbeat),
    SendMemberHeartbeat(SendMemberHeartbeat),
    ReportStatus(ReportStatus),
    FireEventsByNode(FireEventsByNode),
    RecordEventsByNode(RecordEventsByNode),
    ListGroupsByDomain(ListGroupsByDomain),
    SearchGroupsByNamePrefix(SearchGroupsByNamePrefix),
    GetNodeStatus(GetNodeStatus),
    ListGroupStatuses(ListGroupStatuses),
    ListNodesInGroup(ListNodesInGroup),
    GetEventsSince(GetEventsSince),
    PollGroupData(PollGroupData),
}

/// Why a field and its arguments are no call.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// No operation serves the field.
    #[error("no operation serves this field")]
    UnknownField,
    /// The arguments do not fit the schema.
    #[error("{0}")]
    Arguments(E),
}

impl Call {
    /// Reads a field's arguments. `fields` is what the caller selected of a live message, `network` where it calls
    /// from, and `from` its address, for homes that tell readers apart by it.
    ///
    /// # Errors
    ///
    /// [`CallError`] if no operation serves the field, or the arguments do not fit it.
    pub fn read<'de, D: Deserializer<'de>>(
        field: &str,
        arguments: D,
        fields: MessageFields,
        network: Option<Network>,
        from: Option<IpAddr>,
    ) -> std::result::Result<Self, CallError<D::Error>> {
        fn of<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
            arguments: D,
        ) -> std::result::Result<T, CallError<D::Error>> {
            T::deserialize(arguments).map_err(CallError::Arguments)
        }

        Ok(match field {
            "createDomain" => Self::CreateDomain(CreateDomain { network }),
            "createGroup" => Self::CreateGroup(CreateGroup { from, ..of(arguments)? }),
            "joinGroup" => Self::JoinGroup(JoinGroup { from, ..of(arguments)? }),
            "leaveGroup" => Self::LeaveGroup(of(arguments)?),
            "dissolveGroup" => Self::DissolveGroup(DissolveGroup { fields, ..of(arguments)? }),
            "renewHeartbeat" => Self::RenewHeartbeat(of(arguments)?),
            "sendMemberHeartbeat" => Self::SendMemberHeartbeat(of(arguments)?),
            "reportStatus" | "reportDataByNode" => {
                Self::ReportStatus(ReportStatus { fields, ..of(arguments)? })
            }
            "fireEventsByNode" => Self::FireEventsByNode(FireEventsByNode { fields, ..of(arguments)? }),
            "recordEventsByNode" => Self::RecordEventsByNode(of(arguments)?),
            "listGroupsByDomain" => Self::ListGroupsByDomain(of(arguments)?),
            "searchGroupsByNamePrefix" => Self::SearchGroupsByNamePrefix(of(arguments)?),
            "getNodeStatus" => Self::GetNodeStatus(of(arguments)?),
            "listGroupStatuses" => Self::ListGroupStatuses(of(arguments)?),
            "listNodesInGroup" => Self::ListNodesInGroup(of(arguments)?),
            "getEventsSince" => Self::GetEventsSince(GetEventsSince { from, ..of(arguments)? }),
            "pollGroupData" => Self::PollGroupData(PollGroupData { from, ..of(arguments)? }),
            _ => return Err(CallError::UnknownField),
        })
    }

    /// The domain that the call is about, if it is about one.
    pub fn domain(&self) -> Option<&Domain> {
        match self {
            Self::CreateGroup(call) => Some(&call.domain),
            Self::ListGroupsByDomain(call) => Some(&call.domain),
            call => call.group().map(|(_, domain)| domain),
        }
    }

    /// The group that the call is about, if it is about one.
    pub fn group(&self) -> Option<(&Id, &Domain)> {
        macro_rules! group {
            ($call:expr) => {
                Some((&$call.group_id, &$call.domain))
            };
        }

        match self {
            Self::JoinGroup(call) => group!(call),
            Self::LeaveGroup(call) => group!(call),
            Self::DissolveGroup(call) => group!(call),
            Self::RenewHeartbeat(call) => group!(call),
            Self::SendMemberHeartbeat(call) => group!(call),
            Self::ReportStatus(call) => group!(call),
            Self::FireEventsByNode(call) => group!(call),
            Self::RecordEventsByNode(call) => group!(call),
            Self::ListGroupStatuses(call) => group!(call),
            Self::ListNodesInGroup(call) => group!(call),
            Self::GetEventsSince(call) => group!(call),
            Self::PollGroupData(call) => group!(call),
            Self::CreateDomain(_)
            | Self::CreateGroup(_)
            | Self::ListGroupsByDomain(_)
            | Self::SearchGroupsByNamePrefix(_)
            | Self::GetNodeStatus(_) => None,
        }
    }

    /// Refuses arguments that pass a limit; what there are too many of is said before the size of the
    /// live message.
    fn check(&self, settings: &Settings) -> Result<()> {
        match self {
            Self::CreateDomain(call) => call.check(settings),
            Self::CreateGroup(call) => call.check(settings),
            Self::JoinGroup(call) => call.check(settings),
            Self::LeaveGroup(call) => call.check(settings),
            Self::DissolveGroup(call) => call.check(settings),
            Self::RenewHeartbeat(call) => call.check(settings),
            Self::SendMemberHeartbeat(call) => call.check(settings),
            Self::ReportStatus(call) => call.check(settings).and_then(|()| size::check_report(call)),
            Self::FireEventsByNode(call) => call.check(settings).and_then(|()| size::check_fire(call)),
            Self::RecordEventsByNode(call) => call.check(settings).and_then(|()| size::check_record(call)),
            Self::ListGroupsByDomain(call) => call.check(settings),
            Self::SearchGroupsByNamePrefix(call) => call.check(settings),
            Self::GetNodeStatus(call) => call.check(settings),
            Self::ListGroupStatuses(call) => call.check(settings),
            Self::ListNodesInGroup(call) => call.check(settings),
            Self::GetEventsSince(call) => call.check(settings),
            Self::PollGroupData(call) => call.check(settings),
        }
    }

    /// Checks the arguments and the size of the live message, then applies the operation.
    ///
    /// # Errors
    ///
    /// Whatever the operation refuses.
    pub async fn run<S: Store>(self, context: &Context<S>) -> Result<Reply> {
        self.check(&context.settings)?;
        Ok(match self {
            Self::CreateDomain(call) => Reply::Domain(call.apply(context).await?),
            Self::CreateGroup(call) => Reply::Group(call.apply(context).await?),
            Self::JoinGroup(call) => Reply::Node(call.apply(context).await?),
            Self::LeaveGroup(call) => Reply::LeaveGroup(call.apply(context).await?),
            Self::DissolveGroup(call) => Reply::Message(call.apply(context).await?),
            Self::RenewHeartbeat(call) => Reply::RenewHeartbeat(call.apply(context).await?),
            Self::SendMemberHeartbeat(call) => Reply::SendMemberHeartbeat(call.apply(context).await?),
            Self::ReportStatus(call) => Reply::Message(call.apply(context).await?),
            Self::FireEventsByNode(call) => Reply::Message(call.apply(context).await?),
            Self::RecordEventsByNode(call) => Reply::RecordEventsByNode(call.apply(context).await?),
            Self::ListGroupsByDomain(call) => Reply::Groups(call.apply(context).await?),
            Self::SearchGroupsByNamePrefix(call) => Reply::Groups(call.apply(context).await?),
            Self::GetNodeStatus(call) => Reply::Status(call.apply(context).await?),
            Self::ListGroupStatuses(call) => Reply::Statuses(call.apply(context).await?),
            Self::ListNodesInGroup(call) => Reply::Nodes(call.apply(context).await?),
            Self::GetEventsSince(call) => Reply::Events(call.apply(context).await?),
            Self::PollGroupData(call) => Reply::PollGroupData(call.apply(context).await?),
        })
    }
}
