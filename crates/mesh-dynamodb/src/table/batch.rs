//! Deleting many items, until all are gone.

use std::time::Instant;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, WriteRequest};
use mesh_core::error::{Error, Result};

use super::failure::RequestFailed;
use super::{Item, Key, PAUSE, TOTAL, Table};
use crate::backoff::Backoff;
use crate::timeouts::TRIES;

/// The most items that one batch deletes.
const DELETES: usize = 25;

/// Counts tries that brought nothing forward.
struct Stuck {
    request: &'static str,
    tries: u32,
    backoff: Backoff,
}

impl Stuck {
    fn new(request: &'static str) -> Self {
        Self { request, tries: 0, backoff: Backoff::from(PAUSE) }
    }

    /// Waits before the rest is sent again, unless nothing was done too often.
    async fn wait(&mut self, was_done: bool) -> Result<()> {
        self.tries = if was_done { 0 } else { self.tries + 1 };
        if self.tries == TRIES {
            let reason = "items stay unprocessed".to_owned();
            return Err(Error::Store(RequestFailed { request: self.request, reason }.into()));
        }
        self.backoff.pause().await;
        Ok(())
    }
}

impl Table {
    /// The items of at most 100 keys, as far as there are any, in no order.
    pub(crate) async fn get_all(
        &self,
        keys: impl IntoIterator<Item = &Key>,
        consistent: bool,
    ) -> Result<Vec<Item>> {
        const REQUEST: &str = "BatchGetItem";
        let mut missing: Vec<_> = keys.into_iter().map(Key::attributes).collect();
        let mut items = Vec::with_capacity(missing.len());
        let mut stuck = Stuck::new(REQUEST);
        while !missing.is_empty() {
            let asked = missing.len();
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(missing))
                .consistent_read(consistent)
                .build()
                .map_err(malformed)?;
            let began = Instant::now();
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.name, keys)
                .return_consumed_capacity(TOTAL)
                .send()
                .await
                .map_err(|error| self.failed_read(began, REQUEST, &error))?;
            self.meter.read(began, answer.consumed_capacity().first());
            let found = answer.responses.unwrap_or_default().remove(&self.name).unwrap_or_default();
            items.extend(found.into_iter().map(Item));
            let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.name);
            missing = left.map(|left| left.keys).unwrap_or_default();
            if !missing.is_empty() {
                stuck.wait(missing.len() < asked).await?;
            }
        }
        Ok(items)
    }

    /// Deletes the items of these keys, all of them or an error.
    pub(crate) async fn delete_all(&self, keys: &[Key]) -> Result<()> {
        const REQUEST: &str = "BatchWriteItem";
        for keys in keys.chunks(DELETES) {
            let delete = |key| DeleteRequest::builder().set_key(Some(Key::attributes(key))).build();
            let deletes = keys.iter().map(|key| delete(key).map(|delete| delete_request(&delete)));
            let mut left: Vec<_> = deletes.collect::<std::result::Result<_, _>>().map_err(malformed)?;
            let mut stuck = Stuck::new(REQUEST);
            while !left.is_empty() {
                let asked = left.len();
                let began = Instant::now();
                let answer = self
                    .client
                    .batch_write_item()
                    .request_items(&self.name, left)
                    .return_consumed_capacity(TOTAL)
                    .send()
                    .await
                    .map_err(|error| self.failed_read(began, REQUEST, &error))?;
                self.meter.wrote(began, answer.consumed_capacity());
                left = answer.unprocessed_items.unwrap_or_default().remove(&self.name).unwrap_or_default();
                if !left.is_empty() {
                    stuck.wait(left.len() < asked).await?;
                }
            }
        }
        Ok(())
    }
}

fn delete_request(delete: &DeleteRequest) -> WriteRequest {
    WriteRequest::builder().delete_request(delete.clone()).build()
}

fn malformed(error: BuildError) -> Error {
    Error::Store(error.into())
}
