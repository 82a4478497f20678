//! Creating groups, keeping them alive, and listing them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, HostAction, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::GroupRecord;
use mesh_core::store::NewGroup;
use mesh_core::time::Timestamp;

use crate::group::{Found, Group, look, past_with, ttl};
use crate::keys::{self, Key};
use crate::members::is_fresh;
use crate::search::name_keys;
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Item, Put, TTL};

/// Groups of one page of a domain; a page has at most 1 MB anyway.
const PAGE: i32 = 1_000;

impl DynamoStore {
    /// The host's living group, or a new one. Of calls at the same time one puts the item, and the
    /// others find it.
    pub(crate) async fn create(&self, now: Timestamp, new: NewGroup) -> Result<GroupRecord> {
        let place = keys::group_of_host(&new.domain, &new.host_id);
        let record = record_of(now, new)?;
        let item = self.new_item(&record);
        let mut put = Put::new(place.clone(), item.clone());
        loop {
            match self.table.put(put).await {
                Ok(()) => break,
                Err(Failure::Refused(Some(there))) => {
                    // The SDK may have sent again what had been done.
                    if there.optional_text("gid") == Some(record.key.id.as_str()) {
                        break;
                    }
                    if let Some(living) = self.host_returns(now, &record.key.domain, &place, &there).await? {
                        return Ok(living.record);
                    }
                    put = replacement(now, &place, &item, &there);
                }
                Err(Failure::Refused(None)) => put = Put::new(place.clone(), item.clone()),
                Err(failure) => return Err(failure.into()),
            }
        }
        self.check_room_in_domain(now, &record, &place).await?;
        Ok(record)
    }

    /// The living group in a host's place, if there is one; creating it again is a heartbeat.
    async fn host_returns(
        &self,
        now: Timestamp,
        domain: &Domain,
        place: &Key,
        there: &Item,
    ) -> Result<Option<Group>> {
        let Found::Alive(group) = self.look_in_domain(now, domain, there)? else { return Ok(None) };
        let seen = there.time("hostSeen")?;
        if is_fresh(now, seen, self.rules().host_heartbeat_ttl) {
            return Ok(Some(group));
        }
        let renewal = Change::of(place.clone()).update("SET hostSeen = :now").only_if_alive(
            now,
            &group.record.key.id,
            self.rules(),
        );
        match self.table.update(renewal, ReturnValue::None).await {
            Ok(_) => Ok(Some(group)),
            Err(Failure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    fn new_item(&self, record: &GroupRecord) -> Item {
        let (first, six_and_id) = name_keys(&record.name, &record.key.id);
        let item = Item::default()
            .with("gid", record.key.id.as_str())
            .with("hostId", record.host_id.as_str())
            .with("label", &*record.name)
            .with("createdAt", record.created_at)
            .with("expiresAt", record.expires_at)
            .with("hostSeen", record.created_at)
            .with("webSocket", record.use_web_socket)
            .with("serial", self.created.fetch_add(1, Ordering::Relaxed))
            .with("tally", 0_u64)
            .with("seats", 0_u64)
            .with("nn", record.host_id.as_str())
            .with("nj", record.created_at)
            .with("np", first)
            .with("ns", six_and_id)
            .with(TTL, ttl(record.expires_at));
        if record.use_web_socket { item } else { item.with("polling", true) }
    }

    /// Takes a new group back if its domain has too many. Counted after it was put, so that no two
    /// calls at the same time can both take the last place.
    async fn check_room_in_domain(&self, now: Timestamp, record: &GroupRecord, place: &Key) -> Result<()> {
        let most = self.settings.limits.groups_in_domain;
        let mut living = 0;
        let mut groups = self.table.query(place.partition.as_str(), PAGE).with_prefix(keys::GROUP);
        while let Some(page) = groups.next().await? {
            for item in &page {
                let found = self.look_in_domain(now, &record.key.domain, item)?;
                living += usize::from(matches!(found, Found::Alive(_)));
            }
        }
        if living <= most {
            return Ok(());
        }
        self.remove_group(place, &record.key.id).await?;
        Err(Error::invalid(format!("a domain may have at most {most} groups")))
    }

    pub(crate) async fn renew(&self, now: Timestamp, key: &GroupKey, host: &Id) -> Result<GroupRecord> {
        let renewal = Change::of(keys::group_item(key)?)
            .update("SET hostSeen = :now")
            .only_if_alive(now, &key.id, self.rules())
            .only_if("hostId = :host")
            .value(":host", host.as_str());
        match self.table.update(renewal, ReturnValue::AllNew).await {
            Ok(item) => Ok(self.group_in(now, key, Some(&item))?.record),
            Err(Failure::Refused(item)) => {
                self.group_in(now, key, item.as_ref())?;
                Err(Error::NotHost(HostAction::RenewHeartbeat))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    pub(crate) async fn groups_of_domain(&self, now: Timestamp, domain: &Domain) -> Result<Vec<GroupRecord>> {
        let items = self.table.query(keys::domain(domain), PAGE).with_prefix(keys::GROUP).all().await;
        self.living(now, &items?, |_| Some(domain.clone()))
    }

    /// The groups of these items that are in force, oldest first.
    pub(crate) fn living(
        &self,
        now: Timestamp,
        items: &[Item],
        domain: impl Fn(&Item) -> Option<Domain>,
    ) -> Result<Vec<GroupRecord>> {
        let mut living = Vec::new();
        for item in items {
            let Some(domain) = domain(item) else { continue };
            if let Found::Alive(group) = self.look_in_domain(now, &domain, item)? {
                let serial: u64 = item.number("serial")?;
                living.push((group.record.created_at, serial, group.record));
            }
        }
        living.sort_by_key(|(created_at, serial, _)| (*created_at, *serial));
        Ok(living.into_iter().map(|(.., record)| record).collect())
    }

    /// The group of an item, whichever it is.
    pub(crate) fn look_in_domain(&self, now: Timestamp, domain: &Domain, item: &Item) -> Result<Found> {
        let Some(id) = item.optional_text("gid") else { return Ok(Found::Nothing) };
        let key = GroupKey { id: Id::from(id), domain: domain.clone() };
        look(now, &key, Some(item), self.rules())
    }
}

fn record_of(now: Timestamp, new: NewGroup) -> Result<GroupRecord> {
    Ok(GroupRecord {
        key: Arc::new(GroupKey { id: keys::new_group_id(&new.host_id)?, domain: new.domain }),
        name: new.name.into(),
        host_id: new.host_id,
        created_at: now,
        expires_at: now.plus(new.life),
        use_web_socket: new.use_web_socket,
    })
}

/// Puts a group in the place of one that is no longer in force, as long as that one is there.
fn replacement(now: Timestamp, place: &Key, item: &Item, there: &Item) -> Put {
    let past = past_with(now, there);
    let item = if past.0.is_empty() { item.clone() } else { item.clone().with("past", past.0) };
    let put = Put::new(place.clone(), item);
    let Some((id, seen)) = there.optional_text("gid").zip(there.optional_number::<i64>("hostSeen")) else {
        return put.only_if("attribute_exists(pk) AND attribute_not_exists(gid)");
    };
    put.only_if("gid = :gid AND hostSeen = :seen").value(":gid", id).value(":seen", seen)
}
