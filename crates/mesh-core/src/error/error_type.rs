//! The stable public words of errors, in every layer of both homes.

use std::fmt;

/// The `errorType` of an answer: the stable word by which clients know an error.
///
/// The first five are outcomes of operations. The others are AppSync's for what never becomes an
/// operation.
///
/// Source: AppSync developer guide, "Error handling", and answers captured from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// There is no such group, or its time is over.
    GroupNotFound,
    /// The node is no member of the group.
    NodeNotFound,
    /// The caller may not do this.
    Unauthorized,
    /// Malformed input, or a limit that was passed.
    ValidationError,
    /// The server failed; the text says whether something was changed.
    InternalFailure,
    /// No key, or a wrong one.
    UnauthorizedException,
    /// A page of a foreign origin, or a foreign name of the host.
    ForbiddenException,
    /// A body that is not JSON.
    MalformedHttpRequestException,
    /// A request without a query, or another request that makes no sense.
    BadRequestException,
    /// A body over its limit.
    RequestTooLarge,
    /// A body that did not arrive in time.
    RequestTimeout,
    /// Too many connections or calls.
    LimitExceededError,
    /// A method that the path does not serve.
    MethodNotAllowed,
    /// A path that serves nothing.
    NotFoundException,
    /// A code of a lobby that is not the one on the board.
    CodeNotFound,
    /// A message that the realtime protocol does not know.
    UnsupportedOperation,
    /// An id of a subscription that is in use.
    DuplicatedOperationError,
    /// More subscriptions than one connection may have.
    MaxSubscriptionsReachedError,
}

impl ErrorType {
    /// Every word.
    pub const ALL: [Self; 18] = [
        Self::GroupNotFound,
        Self::NodeNotFound,
        Self::Unauthorized,
        Self::ValidationError,
        Self::InternalFailure,
        Self::UnauthorizedException,
        Self::ForbiddenException,
        Self::MalformedHttpRequestException,
        Self::BadRequestException,
        Self::RequestTooLarge,
        Self::RequestTimeout,
        Self::LimitExceededError,
        Self::MethodNotAllowed,
        Self::NotFoundException,
        Self::CodeNotFound,
        Self::UnsupportedOperation,
        Self::DuplicatedOperationError,
        Self::MaxSubscriptionsReachedError,
    ];

    /// The words of refused operations.
    pub const OF_OPERATIONS: [Self; 5] = [
        Self::GroupNotFound,
        Self::NodeNotFound,
        Self::Unauthorized,
        Self::ValidationError,
        Self::InternalFailure,
    ];

    /// The word as clients read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GroupNotFound => "GroupNotFound",
            Self::NodeNotFound => "NodeNotFound",
            Self::Unauthorized => "Unauthorized",
            Self::ValidationError => "ValidationError",
            Self::InternalFailure => "InternalFailure",
            Self::UnauthorizedException => "UnauthorizedException",
            Self::ForbiddenException => "ForbiddenException",
            Self::MalformedHttpRequestException => "MalformedHttpRequestException",
            Self::BadRequestException => "BadRequestException",
            Self::RequestTooLarge => "RequestTooLarge",
            Self::RequestTimeout => "RequestTimeout",
            Self::LimitExceededError => "LimitExceededError",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotFoundException => "NotFoundException",
            Self::CodeNotFound => "CodeNotFound",
            Self::UnsupportedOperation => "UnsupportedOperation",
            Self::DuplicatedOperationError => "DuplicatedOperationError",
            Self::MaxSubscriptionsReachedError => "MaxSubscriptionsReachedError",
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_its_name_and_stands_once() {
        for (index, word) in ErrorType::ALL.into_iter().enumerate() {
            assert_eq!(word.as_str(), format!("{word:?}"));
            assert!(!ErrorType::ALL[..index].contains(&word));
        }
    }
}
