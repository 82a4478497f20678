//! Indexes of groups by domain, host, name and node.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use mesh_core::id::{Domain, Id};
use mesh_core::model::GroupRecord;
use mesh_core::time::Timestamp;

use super::memory::{in_table, in_tree, shrink_table};

/// Ways to find groups other than by their id.
#[derive(Default)]
pub(super) struct Indexes {
    domains: HashMap<Domain, DomainIndex>,
    /// By their number: the oldest first.
    by_age: BTreeMap<u64, Id>,
    names: BTreeMap<(Arc<str>, u64), Id>,
    /// Memberships of each node by their place in the order of joins.
    nodes: BTreeMap<(Id, u64), Id>,
}

/// The groups of one domain.
#[derive(Default)]
struct DomainIndex {
    by_age: BTreeMap<(Timestamp, u64), Id>,
    by_host: HashMap<Id, Id>,
}

/// A tree or a table that has one thing alone, as of a domain with one group.
const SMALLEST: usize = 512;

impl Indexes {
    /// What a group costs here, its host's membership included.
    pub(super) const GROUP: usize = in_table::<Domain, DomainIndex>()
        + 2 * SMALLEST
        + in_tree::<u64, Id>()
        + in_tree::<(Arc<str>, u64), Id>()
        + Self::MEMBERSHIP;

    /// What a membership costs here.
    pub(super) const MEMBERSHIP: usize = in_tree::<(Id, u64), Id>();

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.by_age.is_empty() && self.names.is_empty() && self.nodes.is_empty()
    }

    pub(super) fn add_group(&mut self, record: &GroupRecord, number: u64) {
        let id = &record.key.id;
        let domain = self.domains.entry(record.key.domain.clone()).or_default();
        domain.by_age.insert((record.created_at, number), id.clone());
        domain.by_host.insert(record.host_id.clone(), id.clone());
        self.by_age.insert(number, id.clone());
        self.names.insert((record.name.clone(), number), id.clone());
    }

    pub(super) fn remove_group(&mut self, record: &GroupRecord, number: u64) {
        if let Some(domain) = self.domains.get_mut(&record.key.domain) {
            domain.by_age.remove(&(record.created_at, number));
            domain.by_host.remove(&record.host_id);
            shrink_table(&mut domain.by_host);
            if domain.by_age.is_empty() {
                self.domains.remove(&record.key.domain);
                shrink_table(&mut self.domains);
            }
        }
        self.by_age.remove(&number);
        self.names.remove(&(record.name.clone(), number));
    }

    /// The group that a host has in a domain.
    pub(super) fn group_of_host(&self, domain: &Domain, host: &Id) -> Option<&Id> {
        self.domains.get(domain)?.by_host.get(host)
    }

    /// The groups of a domain behind a place, or all, oldest first: each with its place, which is its time of creation
    /// and its number.
    pub(super) fn groups_of_domain(
        &self,
        domain: &Domain,
        behind: Option<(Timestamp, u64)>,
    ) -> impl Iterator<Item = (&(Timestamp, u64), &Id)> {
        let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
        let groups = self.domains.get(domain).into_iter();
        groups.flat_map(move |domain| domain.by_age.range((from, Bound::Unbounded)))
    }

    pub(super) fn count_in_domain(&self, domain: &Domain) -> usize {
        self.domains.get(domain).map_or(0, |domain| domain.by_age.len())
    }

    /// All groups, oldest first.
    pub(super) fn groups_by_age(&self) -> impl Iterator<Item = &Id> {
        self.by_age.values()
    }

    /// The groups whose name begins with `prefix`, in the order of their names from that group on: its name and number.
    pub(super) fn groups_by_prefix(
        &self,
        prefix: &str,
        from: &(Arc<str>, u64),
    ) -> impl Iterator<Item = (&(Arc<str>, u64), &Id)> {
        self.names.range(from.clone()..).take_while(move |((name, _), _)| name.starts_with(prefix))
    }

    pub(super) fn add_membership(&mut self, node: &Id, joined: u64, group: &Id) {
        self.nodes.insert((node.clone(), joined), group.clone());
    }

    pub(super) fn remove_membership(&mut self, node: &Id, joined: u64) {
        self.nodes.remove(&(node.clone(), joined));
    }

    /// The groups that a node is in, its latest join first.
    pub(super) fn groups_of_node(&self, node: &Id) -> impl Iterator<Item = &Id> {
        self.nodes.range((node.clone(), 0)..=(node.clone(), u64::MAX)).rev().map(|(_, group)| group)
    }
}
