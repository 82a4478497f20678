//! Why a request to the table failed, told without its contents.

use std::error::Error as StdError;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use mesh_core::error::{Error, StoreFailure};

use super::item::Item;

/// The SDK's error of a request that failed.
pub(super) type SdkFailure<E> = SdkError<E, HttpResponse>;

/// Why a write was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Its condition does not hold; the item is as given, or not there.
    Refused(Option<Item>),
    /// Another write of the same item is under way. Nothing was written.
    Conflict,
    /// It may have been written or not.
    Store(StoreFailure),
}

/// A request that failed. Messages of the service may repeat the request, so only its code is kept.
#[derive(Debug, thiserror::Error)]
#[error("{request}: {reason}")]
pub(super) struct RequestFailed {
    pub(super) request: &'static str,
    pub(super) reason: String,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Store(match failure {
            Failure::Refused(_) => "a condition that should hold does not".into(),
            Failure::Conflict => "the item is being changed by others all the time".into(),
            Failure::Store(failure) => failure,
        })
    }
}

/// Errors of a kind of request.
pub(super) trait RequestError: StdError + ProvideErrorMetadata + Send + Sync + 'static {}

impl<E: StdError + ProvideErrorMetadata + Send + Sync + 'static> RequestError for E {}

/// Errors of a kind of request that has a condition.
pub(super) trait ConditionalError: RequestError {
    /// The item for which the condition does not hold.
    fn refused(self) -> Option<Item>;
}

impl ConditionalError for UpdateItemError {
    fn refused(self) -> Option<Item> {
        let Self::ConditionalCheckFailedException(refusal) = self else { return None };
        refusal.item.map(Item)
    }
}

impl ConditionalError for PutItemError {
    fn refused(self) -> Option<Item> {
        let Self::ConditionalCheckFailedException(refusal) = self else { return None };
        refusal.item.map(Item)
    }
}

impl ConditionalError for DeleteItemError {
    fn refused(self) -> Option<Item> {
        let Self::ConditionalCheckFailedException(refusal) = self else { return None };
        refusal.item.map(Item)
    }
}

pub(super) fn read_failure<E: RequestError>(request: &'static str, error: &SdkFailure<E>) -> StoreFailure {
    let reason = match error.code() {
        Some(code) => code.to_owned(),
        None => DisplayErrorContext(error).to_string(),
    };
    RequestFailed { request, reason }.into()
}

pub(super) fn write_failure<E: ConditionalError>(request: &'static str, error: SdkFailure<E>) -> Failure {
    match error.code() {
        Some("TransactionConflictException") => Failure::Conflict,
        Some("ConditionalCheckFailedException") => Failure::Refused(match error {
            SdkError::ServiceError(context) => context.into_err().refused(),
            _ => None,
        }),
        _ => Failure::Store(read_failure(request, &error)),
    }
}
