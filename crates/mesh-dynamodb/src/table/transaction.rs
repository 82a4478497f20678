//! Writing two items, both or none.

use std::time::Instant;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Put as SdkPut, TransactWriteItem};
use mesh_core::error::StoreFailure;

use super::failure::SdkFailure;
use super::{Item, OLD_IF_REFUSED, PAUSE, Put, TOTAL, Table};
use crate::backoff::Backoff;
use crate::timeouts::TRIES;

/// Why none of two puts was done.
#[derive(Debug)]
pub(crate) enum Cancelled {
    /// The first one's condition does not hold for this item.
    First(Item),
    /// The second one's condition does not hold.
    Second,
    /// Another write of one of the items is under way.
    Conflict,
    /// They may have been done or not.
    Store(StoreFailure),
}

impl Table {
    /// Puts both items or none of them.
    pub(crate) async fn put_both(&self, first: Put, second: Put) -> Result<(), Cancelled> {
        let bytes = [first.item.bytes(), second.item.bytes()];
        let items = [self.transact(first)?, self.transact(second)?];
        let mut backoff = Backoff::from(PAUSE);
        let mut tries = 1;
        loop {
            let began = Instant::now();
            let request = self.client.transact_write_items().return_consumed_capacity(TOTAL);
            let error = match request.set_transact_items(Some(items.to_vec())).send().await {
                Ok(answer) => {
                    self.meter.wrote(began, answer.consumed_capacity());
                    return Ok(());
                }
                Err(error) => error,
            };
            // The SDK repeats no cancelled transaction, though throttling is one of the reasons.
            if is_throttled(&error) && tries < TRIES {
                self.meter.failed(began);
                tries += 1;
                backoff.pause().await;
                continue;
            }
            return Err(self.cancelled(began, bytes, error));
        }
    }

    fn transact(&self, put: Put) -> Result<TransactWriteItem, Cancelled> {
        let put = SdkPut::builder()
            .table_name(&self.name)
            .set_item(Some(put.item.0))
            .condition_expression(put.condition)
            .set_expression_attribute_values(put.values)
            .return_values_on_condition_check_failure(OLD_IF_REFUSED)
            .build()
            .map_err(|error| Cancelled::Store(error.into()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn cancelled(
        &self,
        began: Instant,
        bytes: [usize; 2],
        error: SdkFailure<TransactWriteItemsError>,
    ) -> Cancelled {
        let code = error.code().unwrap_or("no answer").to_owned();
        let mut reasons = reasons(error);
        let codes: Vec<_> = reasons.iter().map(|reason| reason.code.clone().unwrap_or_default()).collect();
        let is = |index: usize, code: &str| codes.get(index).is_some_and(|given| given == code);
        let refused = "ConditionalCheckFailed";
        if is(0, refused) || is(1, refused) {
            // Both are charged twice, refused or not.
            for bytes in bytes {
                self.meter.refused(began, 2 * bytes.next_multiple_of(1_024));
            }
        } else {
            self.meter.failed(began);
        }
        if is(0, refused) {
            Cancelled::First(Item(reasons.swap_remove(0).item.unwrap_or_default()))
        } else if is(1, refused) {
            Cancelled::Second
        } else if codes.iter().any(|code| code == "TransactionConflict")
            // This very transaction, of a try whose answer did not come.
            || code == "TransactionInProgressException"
        {
            Cancelled::Conflict
        } else {
            Cancelled::Store(format!("TransactWriteItems: {code} {codes:?}").into())
        }
    }
}

fn is_throttled(error: &SdkFailure<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return false;
    };
    let throttled = |reason: &CancellationReason| {
        matches!(reason.code(), Some("ThrottlingError" | "ProvisionedThroughputExceeded"))
    };
    cancelled.cancellation_reasons().iter().any(throttled)
}

fn reasons(error: SdkFailure<TransactWriteItemsError>) -> Vec<CancellationReason> {
    match error.into_service_error() {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons.unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
