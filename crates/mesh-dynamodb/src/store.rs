//! [`DynamoStore`]: a table, and all that its verbs need beside it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use mesh_core::settings::{Lifetimes, Settings};

use crate::publisher::Publisher;
use crate::table::{Table, Usage};

/// A [`Store`](mesh_core::store::Store) over one DynamoDB table. Any number of processes may share the
/// table.
///
/// ```
/// use mesh_core::settings::Settings;
/// use mesh_dynamodb::{DynamoStore, Table, timeouts};
///
/// fn store(config: aws_sdk_dynamodb::config::Builder) -> DynamoStore {
///     let client = aws_sdk_dynamodb::Client::from_conf(timeouts::with_timeouts(config).build());
///     DynamoStore::new(Table::new(client, "mesh"), Settings::default())
/// }
/// ```
pub struct DynamoStore {
    pub(crate) table: Table,
    pub(crate) settings: Settings,
    /// Publishes recorded calls, if this process does that.
    pub(crate) publisher: Option<Arc<dyn Publisher>>,
    /// The number of groups that this process tried to create: orders those of one millisecond.
    pub(crate) created: AtomicU64,
}

impl DynamoStore {
    /// A store over that table.
    pub fn new(table: Table, settings: Settings) -> Self {
        Self { table, settings, publisher: None, created: AtomicU64::new(0) }
    }

    /// The same store, which publishes recorded calls there before it answers them.
    #[must_use]
    pub fn publishing_to(self, publisher: Arc<dyn Publisher>) -> Self {
        Self { publisher: Some(publisher), ..self }
    }

    /// Takes the units and the time of all requests since the last call of this.
    pub fn take_usage(&self) -> Usage {
        self.table.take_usage()
    }

    pub(crate) fn lifetimes(&self) -> &Lifetimes {
        &self.settings.lifetimes
    }
}
