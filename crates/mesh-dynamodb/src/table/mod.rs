//! The table's definition, and the requests to it with the units they used.

mod batch;
mod change;
mod definition;
mod failure;
mod item;
mod key;
mod query;
mod transaction;
mod usage;

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure};
use mesh_core::error::{Error, Result};

pub use definition::{BY_NAME, BY_NODE, TTL, create};
pub use usage::Usage;

pub(crate) use change::{Change, Put};
pub(crate) use failure::Failure;
pub(crate) use item::{Item, Value};
pub(crate) use key::Key;
pub(crate) use query::Index;
pub(crate) use transaction::Cancelled;

use crate::backoff::Backoff;
use crate::timeouts::TRIES;
use failure::{read_failure, write_failure};
use usage::Meter;

/// The first pause before a request is sent again by this store rather than by the SDK.
const PAUSE: Duration = Duration::from_millis(20);

const TOTAL: ReturnConsumedCapacity = ReturnConsumedCapacity::Total;
const OLD_IF_REFUSED: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// A table and what requests to it used.
#[derive(Debug)]
pub struct Table {
    client: Client,
    name: String,
    meter: Meter,
}

impl Table {
    /// The table of that name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into(), meter: Meter::default() }
    }

    /// Takes the usage since the last call of this.
    pub fn take_usage(&self) -> Usage {
        self.meter.take()
    }

    /// An item as it is now.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>> {
        let began = Instant::now();
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(TOTAL)
            .send()
            .await
            .map_err(|error| self.failed_read(began, "GetItem", &error))?;
        self.meter.read(began, answer.consumed_capacity());
        Ok(answer.item.map(Item))
    }

    /// Changes an item and answers what `returned` asks for.
    pub(crate) async fn update(
        &self,
        change: Change,
        returned: ReturnValue,
    ) -> std::result::Result<Item, Failure> {
        let mut backoff = Backoff::from(PAUSE);
        for _ in 1..TRIES {
            match self.try_update(change.clone(), returned.clone()).await {
                Err(Failure::Conflict) => backoff.pause().await,
                settled => return settled,
            }
        }
        self.try_update(change, returned).await
    }

    async fn try_update(&self, change: Change, returned: ReturnValue) -> std::result::Result<Item, Failure> {
        let began = Instant::now();
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(change.key.attributes()))
            .update_expression(change.update)
            .condition_expression(change.condition)
            .set_expression_attribute_names(change.names)
            .set_expression_attribute_values(change.values)
            .return_values(returned)
            .return_values_on_condition_check_failure(OLD_IF_REFUSED)
            .return_consumed_capacity(TOTAL)
            .send()
            .await
            .map_err(|error| self.failed_write(began, "UpdateItem", error))?;
        self.meter.wrote(began, answer.consumed_capacity.as_slice());
        Ok(Item(answer.attributes.unwrap_or_default()))
    }

    /// Puts a whole item.
    pub(crate) async fn put(&self, put: Put) -> std::result::Result<(), Failure> {
        let began = Instant::now();
        let answer = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(put.item.0))
            .condition_expression(put.condition)
            .set_expression_attribute_values(put.values)
            .return_values_on_condition_check_failure(OLD_IF_REFUSED)
            .return_consumed_capacity(TOTAL)
            .send()
            .await
            .map_err(|error| self.failed_write(began, "PutItem", error))?;
        self.meter.wrote(began, answer.consumed_capacity.as_slice());
        Ok(())
    }

    /// Deletes an item.
    pub(crate) async fn delete(&self, change: Change) -> std::result::Result<(), Failure> {
        let began = Instant::now();
        let answer = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(change.key.attributes()))
            .condition_expression(change.condition)
            .set_expression_attribute_names(change.names)
            .set_expression_attribute_values(change.values)
            .return_values_on_condition_check_failure(OLD_IF_REFUSED)
            .return_consumed_capacity(TOTAL)
            .send()
            .await
            .map_err(|error| self.failed_write(began, "DeleteItem", error))?;
        self.meter.wrote(began, answer.consumed_capacity.as_slice());
        Ok(())
    }

    fn failed_read<E: failure::RequestError>(
        &self,
        began: Instant,
        request: &'static str,
        error: &failure::SdkFailure<E>,
    ) -> Error {
        self.meter.failed(began);
        Error::Store(read_failure(request, error))
    }

    fn failed_write<E: failure::ConditionalError>(
        &self,
        began: Instant,
        request: &'static str,
        error: failure::SdkFailure<E>,
    ) -> Failure {
        let failure = write_failure(request, error);
        if let Failure::Refused(item) = &failure {
            self.meter.refused(began, item.as_ref().map_or(0, Item::bytes));
        } else {
            self.meter.failed(began);
        }
        failure
    }
}
