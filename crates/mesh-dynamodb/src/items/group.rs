//! A group's item, and the decision if its group is in force.

use std::sync::Arc;

use mesh_core::error::{Error, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::limits::PREFIX_CHARACTERS;
use mesh_core::model::GroupRecord;
use mesh_core::secret::{Caller, SecretHash};
use mesh_core::settings::{EXPIRED_MEMORY, GroupAge, Life, Lifetimes, seconds};
use mesh_core::time::Timestamp;

use super::group_id::Parts;
use crate::table::{Change, Item, Key, Put, TTL};

/// A group that is in force.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) record: GroupRecord,
    /// The secret that its host is bound to.
    host_secret: Option<SecretHash>,
    /// True if fired events are recorded, because the group has members that poll.
    pub(crate) has_pollers: bool,
    /// The number of times that its members were counted anew, and of seats taken since: see [`seats`].
    ///
    /// [`seats`]: crate::seats
    pub(crate) recounts: u64,
    pub(crate) seats: u64,
}

/// The group that is asked for, as an item shows it.
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
    /// The random part of its id.
    random: &'a str,
    expires_at: Timestamp,
}

/// The most earlier groups that are remembered beside a host's group. Only a host that makes its
/// groups expire within seconds, one after the other, has more in an hour.
const PAST_GROUPS: usize = 100;

/// That the group `:gid` is in force at `:now`; `:floor` is the oldest heartbeat that still counts.
/// Says in DynamoDB's words what [`Lifetimes::life_of_group`] says.
const ALIVE: &str =
    "groupId = :gid AND attribute_not_exists(dissolvedAt) AND expiresAt > :now AND hostSeenAt >= :floor";

impl Change {
    /// Only if a group is in force.
    pub(crate) fn only_if_alive(self, now: Timestamp, group: &Id, lifetimes: &Lifetimes) -> Self {
        self.only_if(ALIVE)
            .value(":gid", group.as_str())
            .value(":now", now)
            .value(":floor", now.minus(seconds(lifetimes.host_heartbeat_ttl)))
    }
}

impl Group {
    /// Reads a group's item, in force or not.
    fn of(item: &Item, key: Arc<GroupKey>) -> Result<Self> {
        let record = GroupRecord {
            key,
            name: item.text("groupName")?.into(),
            host_id: Id::from(item.text("hostId")?),
            created_at: item.time("createdAt")?,
            expires_at: item.time("expiresAt")?,
            use_web_socket: item.is_on("webSocket"),
        };
        let (recounts, seats) = (item.number("recounts")?, item.number("seats")?);
        let (host_secret, has_pollers) = (item.secret()?, item.is_on("hasPollers"));
        Ok(Self { record, host_secret, has_pollers, recounts, seats })
    }

    pub(crate) fn is_host(&self, node: &Id) -> bool {
        self.record.host_id == *node
    }

    /// Refuses who does not show the secret that the host is bound to.
    pub(crate) fn check_host_secret(&self, host: Caller<'_>) -> Result<()> {
        host.check(self.host_secret)
    }

    /// When DynamoDB may delete what belongs to this group, in seconds.
    pub(crate) fn ttl(&self) -> i64 {
        ttl(self.record.expires_at)
    }
}

/// A group's items may be deleted from then on, as it need not be remembered any more.
fn ttl(expires_at: Timestamp) -> i64 {
    expires_at.plus(EXPIRED_MEMORY).as_millis().div_euclid(1_000) + 1
}

/// True once a group need not be remembered any more: DynamoDB deletes its item some hours later.
pub(crate) fn is_forgotten(item: &Item, now: Timestamp) -> bool {
    item.optional_number::<i64>(TTL).is_some_and(|until| until.saturating_mul(1_000) <= now.as_millis())
}

/// The item of a new group. Of groups of one millisecond, `serial` says which came first.
pub(crate) fn new_group(record: &GroupRecord, secret: Option<SecretHash>, serial: u64) -> Item {
    let item = Item::default()
        .with("groupId", record.key.id.as_str())
        .with("hostId", record.host_id.as_str())
        .with("groupName", &*record.name)
        .with("createdAt", record.created_at)
        .with("expiresAt", record.expires_at)
        .with("hostSeenAt", record.created_at)
        .with("webSocket", record.use_web_socket)
        .with("serial", serial)
        .with("recounts", 0_u64)
        .with("seats", 0_u64)
        .with("nodeId", record.host_id.as_str())
        .with("joinedAt", record.created_at)
        .with("nameInitial", first_character(&record.name))
        .with("nameStart", format!("{}#{}", first_characters(&record.name, PREFIX_CHARACTERS), record.key.id))
        .with(TTL, ttl(record.expires_at))
        .bound_to(secret);
    if record.use_web_socket { item } else { item.with("hasPollers", true) }
}

/// The first character of a name or of its beginning: the partition of the index of names.
pub(crate) fn first_character(name: &str) -> String {
    first_characters(name, 1)
}

fn first_characters(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// Puts a new group in the place of one that is no longer in force, as long as that one is there.
pub(crate) fn replacing(now: Timestamp, key: Key, new: Item, there: &Item) -> Put {
    let past = past_with(now, there);
    let put = Put::new(key, if past.0.is_empty() { new } else { new.with("pastGroups", past.0) });
    let Some((id, seen)) = there.optional_text("groupId").zip(there.optional_number::<i64>("hostSeenAt"))
    else {
        return put.only_if("attribute_exists(pk) AND attribute_not_exists(groupId)");
    };
    put.only_if("groupId = :gid AND hostSeenAt = :seen").value(":gid", id).value(":seen", seen)
}

/// Looks for a group in the item that it has, or that its host's later group has by now.
pub(crate) fn find(
    now: Timestamp,
    key: &GroupKey,
    item: Option<&Item>,
    lifetimes: &Lifetimes,
) -> Result<Found> {
    let Some(item) = item else { return Ok(Found::Nothing) };
    if item.optional_text("groupId") != Some(key.id.as_str()) {
        return Ok(find_past(now, key, item));
    }
    if item.0.contains_key("dissolvedAt") {
        return Ok(Found::Nothing);
    }
    let age = GroupAge::by_wall(now, item.time("expiresAt")?, item.time("hostSeenAt")?);
    Ok(match lifetimes.life_of_group(age) {
        Life::Alive => Found::Alive(Group::of(item, Arc::new(key.clone()))?),
        Life::Expired => Found::Expired,
        Life::HostSilent => Found::HostSilent,
    })
}

/// Looks at an item for the group that it is of, whichever that is.
pub(crate) fn find_any(now: Timestamp, domain: &Domain, item: &Item, lifetimes: &Lifetimes) -> Result<Found> {
    let Some(id) = item.optional_text("groupId") else { return Ok(Found::Nothing) };
    find(now, &GroupKey { id: Id::from(id), domain: domain.clone() }, Some(item), lifetimes)
}

/// Looks among the earlier groups that an item remembers.
fn find_past(now: Timestamp, key: &GroupKey, item: &Item) -> Found {
    let random = Parts::of(&key.id).map(|parts| parts.random);
    let past = past_groups(item).find(|past| Some(past.random) == random);
    match past {
        Some(past) if past.expires_at <= now => Found::Expired,
        Some(_) => Found::HostSilent,
        None => Found::Nothing,
    }
}

fn past_groups(item: &Item) -> impl Iterator<Item = Past<'_>> {
    item.map("pastGroups").filter_map(|(random, expires_at)| {
        let millis = expires_at.as_n().ok()?.parse().ok()?;
        Some(Past { random, expires_at: Timestamp::from_millis(millis) })
    })
}

/// The groups that the next one in this item's place remembers: the latest ones that ended less than
/// an hour ago and were not dissolved.
fn past_with(now: Timestamp, item: &Item) -> Item {
    let own = item.optional_text("groupId").filter(|_| !item.0.contains_key("dissolvedAt")).map(Id::from);
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
