//! Reporting values.

use std::fmt::Write;
use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::limits::{STATUS_BYTES, STATUS_KEYS, StatusSize};
use mesh_core::model::{Content, MeshMessage, MessageFields, NodeStatus, SensorData};
use mesh_core::time::Timestamp;

use crate::group::Group;
use crate::keys::{self, Key};
use crate::members::{lives, member_item};
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Item, Put};
use crate::values::{bytes_of, kept, latest, size_with};

/// A report on its way into its member's item.
struct Report<'a> {
    now: Timestamp,
    group: &'a Group,
    node: &'a Id,
    is_host: bool,
    /// The items that count.
    items: Vec<&'a SensorData>,
    /// When it is taken: the clock's time, or right behind the member's last report.
    at: Timestamp,
}

impl DynamoStore {
    pub(crate) async fn report(
        &self,
        now: Timestamp,
        key: &GroupKey,
        node: &Id,
        data: Vec<SensorData>,
        fields: MessageFields,
    ) -> Result<MeshMessage> {
        let (group, _) = self.group(now, key).await?;
        let (is_host, items) = (group.is_host(node), latest(&data));
        let report = Report { now, group: &group, node, is_host, items, at: now };
        let timestamp = self.merge(report).await?;
        let group = group.record.key;
        let status = NodeStatus { node_id: node.clone(), group: group.clone(), data, timestamp };
        Ok(MeshMessage { group, content: Content::NodeStatus(status), fields })
    }

    /// Merges the report into its member: in one write if the member's last report is older and there
    /// is room for sure, else in another one that knows what the member holds. Answers when the
    /// report was taken.
    async fn merge(&self, mut report: Report<'_>) -> Result<Timestamp> {
        let mut change = report.if_there_is_room();
        loop {
            change = if report.is_host {
                // The host's values live as long as its group.
                change.only_if("attribute_exists(pk)")
            } else {
                change.only_if_member_lives(report.now, self.rules())
            };
            let there = match self.table.update(change, ReturnValue::None).await {
                Ok(_) => return Ok(report.at),
                Err(Failure::Refused(there)) => there,
                Err(failure) => return Err(failure.into()),
            };
            let there = match there {
                None if report.is_host => self.host_reports_first(&report).await?,
                there => there.filter(|item| report.is_host || lives(report.now, item, self.rules())),
            };
            let Some(member) = there else {
                return if report.is_host {
                    Ok(report.at)
                } else {
                    Err(Error::NodeNotFound(report.node.clone()))
                };
            };
            size_with(&member, &report.items).check()?;
            change = report.knowing(&member)?;
        }
    }

    /// Makes the host's item, unless the group ends meanwhile; answers the one that another call has
    /// made, if there is one.
    async fn host_reports_first(&self, report: &Report<'_>) -> Result<Option<Item>> {
        let size = StatusSize { keys: report.items.len(), bytes: bytes_of(&report.items) };
        size.check()?;
        let values = report
            .items
            .iter()
            .fold(Item::default(), |values, item| values.with(&item.key, kept(&item.value, report.at)));
        let item = member_item(report.now, report.group)
            .with("d", values.0)
            .with("held", size.bytes)
            .with("reported", report.at);
        match self.table.put(Put::new(report.key(), item)).await {
            Ok(()) => {}
            Err(Failure::Refused(Some(there))) => return Ok(Some(there)),
            Err(failure) => return Err(failure.into()),
        }
        let Err(refusal) = self.group(report.now, &report.group.record.key).await else { return Ok(None) };
        let own = Change::of(report.key()).only_if("reported = :at").value(":at", report.at);
        match self.table.delete(own).await {
            Ok(()) | Err(Failure::Refused(_)) => Err(refusal),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl Report<'_> {
    fn key(&self) -> Key {
        keys::member(&self.group.record.key.id, self.node)
    }

    /// The change, if the member's last report is older and all of this one would fit even if each
    /// of its keys were new. So `held`, the bytes of keys and values, is never too low.
    fn if_there_is_room(&self) -> Change {
        let bytes = bytes_of(&self.items);
        // Below zero there is room in no member.
        let room = STATUS_BYTES.checked_sub(bytes).and_then(|room| i64::try_from(room).ok()).unwrap_or(-1);
        self.change("held + :bytes")
            .only_if("reported < :at AND held <= :room AND size(d) <= :keys")
            .value(":bytes", bytes)
            .value(":room", room)
            .value(":keys", STATUS_KEYS.saturating_sub(self.items.len()))
    }

    /// The change of a member that is known to have room, as long as it stays as it is.
    fn knowing(&mut self, member: &Item) -> Result<Change> {
        let last = member.time("reported")?;
        self.at = self.now.max(last.plus(Duration::from_millis(1)));
        Ok(self
            .change(":bytes")
            .only_if("reported = :last")
            .value(":bytes", size_with(member, &self.items).bytes)
            .value(":last", last))
    }

    fn change(&self, held: &str) -> Change {
        let mut update = format!("SET seen = :now, reported = :at, held = {held}");
        let mut change = Change::of(self.key()).value(":now", self.now).value(":at", self.at);
        for (number, item) in self.items.iter().enumerate() {
            // Short, as an update expression has at most 4,096 bytes; writing to memory cannot fail.
            let _ = write!(update, ",d.#{number}=:{number}");
            change = change
                .name(&format!("#{number}"), &item.key)
                .value(&format!(":{number}"), kept(&item.value, self.at));
        }
        change.update(update)
    }
}
