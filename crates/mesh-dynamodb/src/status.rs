//! Reporting and reading values.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::limits::{STATUS_BYTES, STATUS_KEYS, StatusSize};
use mesh_core::model::{Content, MeshMessage, MessageFields, NodeStatus, SensorData};
use mesh_core::secret::Caller;
use mesh_core::time::Timestamp;

use crate::items::group::{Found, Group, find_any};
use crate::items::keys;
use crate::items::member::{self, group_of, lives, living_node, new_member, node_of};
use crate::items::values::{VALUES, by_report, bytes_of, kept, latest, merged, size_with};
use crate::lookup::{find_group, read_group};
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Index, Item, Key, Put};

/// Memberships of one page. Nearly always the newest one is in force.
const MEMBERSHIPS_PAGE: i32 = 4;
/// The most memberships that are looked at.
const MEMBERSHIPS: usize = 40;

/// A report on its way into its member's item.
struct Report<'a> {
    now: Timestamp,
    group: &'a Group,
    node: Caller<'a>,
    is_host: bool,
    /// The items that count.
    items: Vec<&'a SensorData>,
    /// Its time: the clock's, or right behind the member's last report.
    at: Timestamp,
}

/// The membership of an entry of the index.
enum Membership {
    /// It is in force. A member has an item, and a host that has reported.
    InForce(Arc<GroupKey>, Option<Item>),
    Over,
}

pub(crate) async fn report_status(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    node: Caller<'_>,
    data: Vec<SensorData>,
    fields: MessageFields,
) -> Result<MeshMessage> {
    let (group, _) = read_group(store, now, key).await?;
    let (is_host, items) = (group.is_host(node.id), latest(&data));
    if is_host {
        group.check_host_secret(node)?;
    }
    let report = Report { now, group: &group, node, is_host, items, at: now };
    let timestamp = merge(store, report).await?;
    let group = group.record.key;
    let status = NodeStatus { node_id: node.id.clone(), group: group.clone(), data, timestamp };
    Ok(MeshMessage { group, content: Content::NodeStatus(status), fields })
}

/// Merges the report into its member: in one write if the member's last report is older and there is
/// room for sure, else in another one that knows what the member holds. Returns the report's time.
async fn merge(store: &DynamoStore, mut report: Report<'_>) -> Result<Timestamp> {
    let mut change = report.if_there_is_room();
    loop {
        change = if report.is_host {
            // The host's values live as long as its group.
            change.only_if("attribute_exists(pk)")
        } else {
            change.only_if_member_lives(report.now, store.lifetimes()).only_if_proven(report.node)
        };
        let there = match store.table.update(change, ReturnValue::None).await {
            Ok(_) => return Ok(report.at),
            Err(Failure::Refused(there)) => there,
            Err(failure) => return Err(failure.into()),
        };
        let there = match there {
            None if report.is_host => host_reports_first(store, &report).await?,
            there => there.filter(|item| report.is_host || lives(report.now, item, store.lifetimes())),
        };
        let Some(member) = there else {
            return if report.is_host {
                Ok(report.at)
            } else {
                Err(Error::NodeNotFound(report.node.id.clone()))
            };
        };
        if !report.is_host {
            member.check_secret(report.node)?;
        }
        size_with(&member, &report.items).check()?;
        change = report.knowing(&member)?;
    }
}

/// Makes the host's item, unless the group ends meanwhile. Returns the item that another call has made,
/// if there is one.
async fn host_reports_first(store: &DynamoStore, report: &Report<'_>) -> Result<Option<Item>> {
    let size = StatusSize { keys: report.items.len(), bytes: bytes_of(&report.items) };
    size.check()?;
    let values = report
        .items
        .iter()
        .fold(Item::default(), |values, item| values.with(&item.key, kept(&item.value, report.at)));
    let item = new_member(report.now, report.group)
        .with(VALUES, values.0)
        .with("valueBytes", size.bytes)
        .with("reportedAt", report.at);
    match store.table.put(Put::new(report.key(), item)).await {
        Ok(()) => {}
        Err(Failure::Refused(Some(there))) => return Ok(Some(there)),
        Err(failure) => return Err(failure.into()),
    }
    let Err(refusal) = read_group(store, report.now, &report.group.record.key).await else {
        return Ok(None);
    };
    let own = Change::of(report.key()).only_if("reportedAt = :at").value(":at", report.at);
    match store.table.delete(own).await {
        Ok(()) | Err(Failure::Refused(_)) => Err(refusal),
        Err(failure) => Err(failure.into()),
    }
}

impl Report<'_> {
    fn key(&self) -> Key {
        keys::member(&self.group.record.key.id, self.node.id)
    }

    /// The change, if the member's last report is older and all of this one would fit even if each
    /// of its keys were new. So `valueBytes` is never too low.
    fn if_there_is_room(&self) -> Change {
        let bytes = bytes_of(&self.items);
        // Below zero there is room in no member.
        let room = STATUS_BYTES.checked_sub(bytes).and_then(|room| i64::try_from(room).ok()).unwrap_or(-1);
        self.change("valueBytes + :bytes")
            .only_if("reportedAt < :at AND valueBytes <= :room AND size(#v) <= :keys")
            .value(":bytes", bytes)
            .value(":room", room)
            .value(":keys", STATUS_KEYS.saturating_sub(self.items.len()))
    }

    /// The change of a member that is known to have room, as long as it stays as it is.
    fn knowing(&mut self, member: &Item) -> Result<Change> {
        let last = member.time("reportedAt")?;
        self.at = self.now.max(last.plus(Duration::from_millis(1)));
        Ok(self
            .change(":bytes")
            .only_if("reportedAt = :last")
            .value(":bytes", size_with(member, &self.items).bytes)
            .value(":last", last))
    }

    fn change(&self, value_bytes: &str) -> Change {
        let mut update = format!("SET seenAt = :now, reportedAt = :at, valueBytes = {value_bytes}");
        let mut change =
            Change::of(self.key()).name("#v", VALUES).value(":now", self.now).value(":at", self.at);
        for (number, item) in self.items.iter().enumerate() {
            // Short, as an update expression has at most 4,096 bytes; writing to memory cannot fail.
            let _ = write!(update, ",#v.#{number}=:{number}");
            change = change
                .name(&format!("#{number}"), &item.key)
                .value(&format!(":{number}"), kept(&item.value, self.at));
        }
        change.update(update)
    }
}

/// Every value of the group's host and living members, by report, oldest first.
pub(crate) async fn group_statuses(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
) -> Result<Vec<NodeStatus>> {
    let (group, _) = read_group(store, now, key).await?;
    let members = store.table.query(keys::group(&key.id), member::PAGE).with_prefix(keys::MEMBER);
    let items = members.all().await?;
    let mut statuses = Vec::new();
    for item in &items {
        let host = node_of(item).filter(|node| group.is_host(node));
        if let Some(node) = host.or_else(|| living_node(now, item, store.lifetimes())) {
            statuses.extend(by_report(item, &node, &group.record.key));
        }
    }
    statuses.sort_by_key(|status| status.timestamp);
    Ok(statuses)
}

/// The node's values in its newest membership that is in force. Somebody who joined more than 40
/// groups since, all of them over by now, counts as being in none.
pub(crate) async fn node_status(
    store: &DynamoStore,
    now: Timestamp,
    node: &Id,
) -> Result<Option<NodeStatus>> {
    let memberships = store.table.query_index(Index::ByNode, node.as_str(), MEMBERSHIPS_PAGE);
    let mut memberships = memberships.backwards();
    let mut seen = 0;
    while seen < MEMBERSHIPS
        && let Some(page) = memberships.next().await?
    {
        seen += page.len();
        for entry in page {
            let membership = membership(store, now, node, &entry.key()?).await?;
            if let Membership::InForce(group, item) = membership {
                return Ok(item.and_then(|item| merged(&item, node, &group)));
            }
        }
    }
    Ok(None)
}

async fn membership(store: &DynamoStore, now: Timestamp, node: &Id, entry: &Key) -> Result<Membership> {
    if let Some(group) = entry.partition.strip_prefix(keys::GROUP) {
        joined(store, now, node, Id::from(group)).await
    } else {
        hosted(store, now, node, entry).await
    }
}

/// The membership of a node that joined.
async fn joined(store: &DynamoStore, now: Timestamp, node: &Id, group: Id) -> Result<Membership> {
    let item = store.table.get(&keys::member(&group, node)).await?;
    let Some(item) = item.filter(|item| lives(now, item, store.lifetimes())) else {
        return Ok(Membership::Over);
    };
    Ok(match find_group(store, now, &group_of(&item, group)?).await? {
        Found::Alive(group) => Membership::InForce(group.record.key, Some(item)),
        _ => Membership::Over,
    })
}

/// The membership of a host.
async fn hosted(store: &DynamoStore, now: Timestamp, node: &Id, item_key: &Key) -> Result<Membership> {
    let item = store.table.get(item_key).await?;
    let Some((item, domain)) = item.zip(keys::domain_of(&item_key.partition)) else {
        return Ok(Membership::Over);
    };
    let Found::Alive(group) = find_any(now, &domain, &item, store.lifetimes())? else {
        return Ok(Membership::Over);
    };
    let key = group.record.key;
    let values = store.table.get(&keys::member(&key.id, node)).await?;
    Ok(Membership::InForce(key, values))
}
