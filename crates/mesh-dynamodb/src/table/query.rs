//! Reading a range of a partition, page by page.

use std::collections::HashMap;
use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;
use mesh_core::error::Result;

use super::definition::{BY_NAME, BY_NAME_KEYS, BY_NODE, BY_NODE_KEYS, KEYS};
use super::{Item, TOTAL, Table, Value};

/// An index instead of the table itself. Indexes lag behind writes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Index {
    /// Memberships by node.
    ByNode,
    /// Groups by name.
    ByName,
}

/// A range of a partition, read in pages.
pub(crate) struct Query<'a> {
    table: &'a Table,
    index: Option<Index>,
    /// The name of the sort key.
    sort: &'static str,
    condition: String,
    values: HashMap<String, AttributeValue>,
    attributes: Option<&'a str>,
    backwards: bool,
    page: i32,
    next: Next,
}

/// The beginning of the next page.
enum Next {
    First,
    Behind(HashMap<String, AttributeValue>),
    End,
}

impl Table {
    /// All items of a partition, in pages of at most `page`.
    pub(crate) fn query(&self, partition: impl Into<Value>, page: i32) -> Query<'_> {
        self.query_in(None, partition, page)
    }

    /// All entries of a partition of an index, in pages of at most `page`.
    pub(crate) fn query_index(&self, index: Index, partition: impl Into<Value>, page: i32) -> Query<'_> {
        self.query_in(Some(index), partition, page)
    }

    fn query_in(&self, index: Option<Index>, partition: impl Into<Value>, page: i32) -> Query<'_> {
        let (name, sort) = index.map_or(KEYS, Index::keys);
        Query {
            table: self,
            index,
            sort,
            condition: format!("{name} = :pk"),
            values: [(":pk".to_owned(), partition.into().0)].into(),
            attributes: None,
            backwards: false,
            page,
            next: Next::First,
        }
    }
}

impl<'a> Query<'a> {
    /// Only items whose sort key begins so.
    pub(crate) fn with_prefix(mut self, prefix: &str) -> Self {
        self.condition = format!("{} AND begins_with({}, :prefix)", self.condition, self.sort);
        self.value(":prefix", prefix)
    }

    /// Only items whose sort keys lie between these, both included.
    pub(crate) fn between(mut self, first: &str, last: &str) -> Self {
        self.condition = format!("{} AND {} BETWEEN :first AND :last", self.condition, self.sort);
        self.value(":first", first).value(":last", last)
    }

    fn value(mut self, placeholder: &str, text: &str) -> Self {
        self.values.insert(placeholder.to_owned(), AttributeValue::S(text.to_owned()));
        self
    }

    /// Just these attributes; it saves the way, no units.
    pub(crate) fn only(mut self, attributes: &'a str) -> Self {
        self.attributes = Some(attributes);
        self
    }

    /// The last item first.
    pub(crate) fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// The next page; none behind the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Item>>> {
        let start = match std::mem::replace(&mut self.next, Next::End) {
            Next::First => None,
            Next::Behind(key) => Some(key),
            Next::End => return Ok(None),
        };
        let began = Instant::now();
        let answer = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .set_index_name(self.index.map(|index| index.name().to_owned()))
            .key_condition_expression(&self.condition)
            .set_expression_attribute_values(Some(self.values.clone()))
            .set_projection_expression(self.attributes.map(str::to_owned))
            .scan_index_forward(!self.backwards)
            .consistent_read(self.index.is_none())
            .limit(self.page)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(TOTAL)
            .send()
            .await
            .map_err(|error| self.table.failed_read(began, "Query", &error))?;
        self.table.meter.read(began, answer.consumed_capacity());
        if let Some(key) = answer.last_evaluated_key {
            self.next = Next::Behind(key);
        }
        Ok(Some(answer.items.unwrap_or_default().into_iter().map(Item).collect()))
    }

    /// The items of all pages.
    pub(crate) async fn all(mut self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }
}

impl Index {
    fn name(self) -> &'static str {
        match self {
            Self::ByNode => BY_NODE,
            Self::ByName => BY_NAME,
        }
    }

    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::ByNode => BY_NODE_KEYS,
            Self::ByName => BY_NAME_KEYS,
        }
    }
}
