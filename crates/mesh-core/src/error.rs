//! Every refusal, with the stable public word that clients act on.

mod error_type;

use std::borrow::Cow;

use crate::id::{GroupKey, Id};

pub use error_type::ErrorType;

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation was refused. The text is what clients read; [`Error::error_type`] is its stable word.
///
/// Living clients end their session on any text with "not found", "expired" or "unauthorized" in
/// it, so only the errors that mean it may hold those words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such group in that domain, or it was dissolved.
    #[error("Group not found: {0}")]
    GroupNotFound(GroupKey),
    /// The group's time is over.
    #[error("Group expired: {0}")]
    GroupExpired(GroupKey),
    /// The group's host sent no heartbeat for too long.
    #[error("Group expired: {0} (heartbeat of the host is missing)")]
    HostSilent(GroupKey),
    /// Only the group's host may do this.
    #[error("Only the host can {}", .0.verb())]
    NotHost(HostAction),
    /// The node has a secret, and the call did not bring it.
    #[error("This node is protected by a secret")]
    Protected,
    /// The node is no member of the group.
    #[error("Node not found: {0}")]
    NodeNotFound(Id),
    /// A limit was passed or an argument is malformed; the text says what is allowed.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// The store failed and nothing was changed. The detail is for the log alone.
    #[error("The change was not saved, try again")]
    Store(#[source] StoreFailure),
    /// The store gave no answer in time, or failed where a part of the change may have been written already.
    /// The same call again is safe. The detail is for the log alone.
    #[error("The request failed, and a change may not be saved: try again")]
    Unconfirmed(#[source] StoreFailure),
    /// The store has recorded what was asked, and telling subscribers failed: the same call again tells
    /// them. The detail is for the log alone.
    #[error("The events were recorded, but not published yet: try again")]
    Unpublished(#[source] StoreFailure),
}

/// The internal detail of a failed store, never sent to a client.
pub type StoreFailure = Box<dyn std::error::Error + Send + Sync>;

/// The actions that only a host may do with its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostAction {
    /// Keep the group alive.
    RenewHeartbeat,
    /// End the group.
    Dissolve,
}

impl HostAction {
    fn verb(self) -> &'static str {
        match self {
            Self::RenewHeartbeat => "renew the heartbeat",
            Self::Dissolve => "dissolve the group",
        }
    }
}

impl Error {
    /// A refusal of malformed input or of a limit that was passed.
    pub fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(text.into())
    }

    /// The stable public word: the `errorType` of the answer.
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::GroupNotFound(_) | Self::GroupExpired(_) | Self::HostSilent(_) => ErrorType::GroupNotFound,
            Self::NotHost(_) | Self::Protected => ErrorType::Unauthorized,
            Self::NodeNotFound(_) => ErrorType::NodeNotFound,
            Self::Invalid(_) => ErrorType::ValidationError,
            Self::Store(_) | Self::Unconfirmed(_) | Self::Unpublished(_) => ErrorType::InternalFailure,
        }
    }
    /// The detail for the log, if the store or publishing failed.
    pub const fn failure(&self) -> Option<&StoreFailure> {
        match self {
            Self::Store(detail) | Self::Unconfirmed(detail) | Self::Unpublished(detail) => Some(detail),
            _ => None,
        }
    }
}
