//! A group's item: what it says, and whether the group is in force.

use std::sync::Arc;

use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::GroupRecord;
use mesh_core::settings::{EXPIRED_MEMORY, GroupAge, Life, Lifetimes, seconds};
use mesh_core::time::Timestamp;

use crate::keys::{Key, Parts};
use crate::store::DynamoStore;
use crate::table::{Change, Item};

/// A group that is in force.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) record: GroupRecord,
    /// Whether fired events are recorded, because it has members that poll.
    pub(crate) polling: bool,
    /// Which count of its members is in force, and how many places were taken since: see [`seats`].
    ///
    /// [`seats`]: crate::seats
    pub(crate) tally: u64,
    pub(crate) seats: u64,
}

/// What a group's item says of the group that is asked for.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is in force.
    Alive(Group),
    /// It was dissolved, or there never was one.
    Nothing,
    /// Its time is over.
    Expired,
    /// Its host was silent for too long.
    HostSilent,
}

/// A group whose host has made another one since.
#[derive(Clone, Copy, Debug)]
struct Past<'a> {
    /// What its id has behind the slot.
    random: &'a str,
    expires_at: Timestamp,
}

/// That the group `:gid` is in force at `:now`; `:floor` is the oldest heartbeat that still counts.
/// Says in DynamoDB's words what [`Lifetimes::life_of_group`] says.
const ALIVE: &str =
    "gid = :gid AND attribute_not_exists(dissolvedAt) AND expiresAt > :now AND hostSeen >= :floor";

impl Change {
    /// Only if a group is in force.
    pub(crate) fn only_if_alive(self, now: Timestamp, group: &Id, rules: &Lifetimes) -> Self {
        self.only_if(ALIVE)
            .value(":gid", group.as_str())
            .value(":now", now)
            .value(":floor", now.minus(seconds(rules.host_heartbeat_ttl)))
    }
}

impl Group {
    /// Reads a group's item, whether the group is in force or not.
    pub(crate) fn of(item: &Item, key: Arc<GroupKey>) -> Result<Self> {
        let record = GroupRecord {
            key,
            name: item.text("label")?.into(),
            host_id: Id::from(item.text("hostId")?),
            created_at: item.time("createdAt")?,
            expires_at: item.time("expiresAt")?,
            use_web_socket: item.is_on("webSocket"),
        };
        let (tally, seats) = (item.number("tally")?, item.number("seats")?);
        Ok(Self { record, polling: item.is_on("polling"), tally, seats })
    }

    pub(crate) fn is_host(&self, node: &Id) -> bool {
        self.record.host_id == *node
    }

    /// When DynamoDB may delete what belongs to this group, in seconds.
    pub(crate) fn ttl(&self) -> i64 {
        ttl(self.record.expires_at)
    }
}

/// When a group's items may be deleted: not before it need not be remembered any more.
pub(crate) fn ttl(expires_at: Timestamp) -> i64 {
    expires_at.plus(EXPIRED_MEMORY).as_millis().div_euclid(1_000) + 1
}

/// Looks at the item in a group's place.
pub(crate) fn look(now: Timestamp, key: &GroupKey, item: Option<&Item>, rules: &Lifetimes) -> Result<Found> {
    let Some(item) = item else { return Ok(Found::Nothing) };
    if item.optional_text("gid") != Some(key.id.as_str()) {
        return Ok(look_back(now, key, item));
    }
    if item.0.contains_key("dissolvedAt") {
        return Ok(Found::Nothing);
    }
    Ok(match rules.life_of_group(GroupAge::by_wall(now, item.time("expiresAt")?, item.time("hostSeen")?)) {
        Life::Alive => Found::Alive(Group::of(item, Arc::new(key.clone()))?),
        Life::Expired => Found::Expired,
        Life::HostSilent => Found::HostSilent,
    })
}

/// Looks among the groups that had this place before.
fn look_back(now: Timestamp, key: &GroupKey, item: &Item) -> Found {
    let random = Parts::of(&key.id).map(|parts| parts.random);
    let past = past_groups(item).find(|past| Some(past.random) == random);
    match past {
        Some(past) if past.expires_at <= now => Found::Expired,
        Some(_) => Found::HostSilent,
        None => Found::Nothing,
    }
}

fn past_groups(item: &Item) -> impl Iterator<Item = Past<'_>> {
    item.map("past").filter_map(|(random, expires_at)| {
        let millis = expires_at.as_n().ok()?.parse().ok()?;
        Some(Past { random, expires_at: Timestamp::from_millis(millis) })
    })
}

/// The most earlier groups that are remembered beside a host's group. Only a host that makes its
/// groups expire within seconds, one after the other, has more in an hour.
const PAST_GROUPS: usize = 100;

/// What the next group in this item's place remembers: earlier groups that ended less than an hour
/// ago and were not dissolved, the latest ones.
pub(crate) fn past_with(now: Timestamp, item: &Item) -> Item {
    let own = item.optional_text("gid").filter(|_| !item.0.contains_key("dissolvedAt")).map(Id::from);
    let own = own.as_ref().and_then(Parts::of).zip(item.time("expiresAt").ok());
    let own = own.map(|(parts, expires_at)| Past { random: parts.random, expires_at });
    let mut past: Vec<_> = past_groups(item).chain(own).collect();
    past.retain(|past| past.expires_at.plus(EXPIRED_MEMORY) > now);
    past.sort_unstable_by_key(|past| std::cmp::Reverse(past.expires_at));
    past.into_iter()
        .take(PAST_GROUPS)
        .fold(Item::default(), |item, past| item.with(past.random, past.expires_at))
}

impl Found {
    /// The group, or the refusal of any call that needs it.
    pub(crate) fn or_refusal(self, key: &GroupKey) -> Result<Group> {
        match self {
            Self::Alive(group) => Ok(group),
            Self::Nothing => Err(Error::GroupNotFound(key.clone())),
            Self::Expired => Err(Error::GroupExpired(key.clone())),
            Self::HostSilent => Err(Error::HostSilent(key.clone())),
        }
    }
}

impl DynamoStore {
    /// The group, or the refusal of any call that needs it.
    pub(crate) fn group_in(&self, now: Timestamp, key: &GroupKey, item: Option<&Item>) -> Result<Group> {
        look(now, key, item, self.rules())?.or_refusal(key)
    }

    /// Reads the group; answers it with the key of its item.
    pub(crate) async fn group(&self, now: Timestamp, key: &GroupKey) -> Result<(Group, Key)> {
        let place = crate::keys::group_item(key)?;
        let item = self.table.get(&place).await?;
        Ok((self.group_in(now, key, item.as_ref())?, place))
    }

    /// What there is of the group.
    pub(crate) async fn find(&self, now: Timestamp, key: &GroupKey) -> Result<Found> {
        let Ok(place) = crate::keys::group_item(key) else { return Ok(Found::Nothing) };
        let item = self.table.get(&place).await?;
        look(now, key, item.as_ref(), self.rules())
    }
}
