//! Values of nodes, read.

use std::sync::Arc;

use mesh_core::error::Result;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::NodeStatus;
use mesh_core::time::Timestamp;

use crate::group::Found;
use crate::keys::{self, Key};
use crate::members::{lives, node_of, sees_member};
use crate::search::key_of;
use crate::store::DynamoStore;
use crate::table::{Index, Item};
use crate::values::{by_report, merged};

/// Members of one page; each has 1 KB or so.
const PAGE: i32 = 200;
/// Memberships of one page. Nearly always the newest one is in force.
const MEMBERSHIPS: i32 = 4;
/// The most memberships that are looked at.
const MOST_MEMBERSHIPS: usize = 40;

/// What an entry of the index of memberships leads to.
enum Membership {
    /// It is in force, with this item if the node has reported or joined.
    InForce(Arc<GroupKey>, Option<Item>),
    Over,
}

impl DynamoStore {
    /// Every value of the group's host and living members, by report, oldest first.
    pub(crate) async fn statuses_of_group(&self, now: Timestamp, key: &GroupKey) -> Result<Vec<NodeStatus>> {
        let (group, _) = self.group(now, key).await?;
        let members = self.table.query(keys::group(&key.id), PAGE).with_prefix(keys::MEMBER);
        let items = members.all().await?;
        let mut statuses = Vec::new();
        for item in &items {
            let host = node_of(item).filter(|node| group.is_host(node));
            if let Some(node) = host.or_else(|| sees_member(now, item, self.rules())) {
                statuses.extend(by_report(item, &node, &group.record.key));
            }
        }
        statuses.sort_by_key(|status| status.timestamp);
        Ok(statuses)
    }

    /// The node's values in its newest membership that is in force. Somebody who joined more than 40
    /// groups since, all of them over by now, counts as being in none.
    pub(crate) async fn status_of_node(&self, now: Timestamp, node: &Id) -> Result<Option<NodeStatus>> {
        let mut memberships = self.table.query_index(Index::ByNode, node.as_str(), MEMBERSHIPS).backwards();
        let mut seen = 0;
        while seen < MOST_MEMBERSHIPS
            && let Some(page) = memberships.next().await?
        {
            seen += page.len();
            for entry in page {
                if let Membership::InForce(group, item) = self.membership(now, node, &key_of(&entry)?).await?
                {
                    return Ok(item.and_then(|item| merged(&item, node, &group)));
                }
            }
        }
        Ok(None)
    }

    async fn membership(&self, now: Timestamp, node: &Id, entry: &Key) -> Result<Membership> {
        if let Some(group) = entry.partition.strip_prefix(keys::GROUP) {
            self.joined(now, node, Id::from(group)).await
        } else {
            self.hosted(now, node, entry).await
        }
    }

    /// The membership of a node that joined.
    async fn joined(&self, now: Timestamp, node: &Id, group: Id) -> Result<Membership> {
        let item = self.table.get(&keys::member(&group, node)).await?;
        let Some(item) = item.filter(|item| lives(now, item, self.rules())) else {
            return Ok(Membership::Over);
        };
        let domain = Domain::from(item.text("inDomain")?);
        Ok(match self.find(now, &GroupKey { id: group, domain }).await? {
            Found::Alive(group) => Membership::InForce(group.record.key, Some(item)),
            _ => Membership::Over,
        })
    }

    /// The membership of a host, which has an item once it has reported.
    async fn hosted(&self, now: Timestamp, node: &Id, place: &Key) -> Result<Membership> {
        let item = self.table.get(place).await?;
        let Some((item, domain)) = item.zip(keys::domain_of(&place.partition)) else {
            return Ok(Membership::Over);
        };
        let Found::Alive(group) = self.look_in_domain(now, &domain, &item)? else {
            return Ok(Membership::Over);
        };
        let key = group.record.key;
        let values = self.table.get(&keys::member(&key.id, node)).await?;
        Ok(Membership::InForce(key, values))
    }
}
