//! A member's item. A host has one from its first report on.

use std::collections::HashMap;

use mesh_core::id::{GroupKey, Id};
use mesh_core::settings::{Lifetimes, elapsed, seconds};
use mesh_core::time::Timestamp;

use super::group::Group;
use super::keys;
use super::values::VALUES;
use crate::table::{Change, Item, TTL};

/// Members of one page; each has 1 KB or so.
pub(crate) const PAGE: i32 = 200;

/// That a member is there and was not silent for too long: `:oldest` is the oldest heartbeat that no
/// longer counts.
const LIVES: &str = "attribute_exists(pk) AND seenAt > :oldest";

/// The part of a heartbeat's life during which it is fresh.
const FRESH_PART: u32 = 60;

impl Change {
    /// Only if a member lives.
    pub(crate) fn only_if_member_lives(self, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        self.only_if(LIVES).value(":oldest", oldest(now, lifetimes))
    }

    /// Only if a member lives, or has no item.
    pub(crate) fn only_if_not_silent(self, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        self.only_if("(attribute_not_exists(pk) OR seenAt > :oldest)")
            .value(":oldest", oldest(now, lifetimes))
    }
}

fn oldest(now: Timestamp, lifetimes: &Lifetimes) -> Timestamp {
    now.minus(seconds(lifetimes.member_heartbeat_ttl))
}

/// True while a member was not silent for too long.
pub(crate) fn lives(now: Timestamp, item: &Item, lifetimes: &Lifetimes) -> bool {
    item.time("seenAt").is_ok_and(|seen| lifetimes.member_lives(elapsed(seen, now)))
}

/// The node of a member's item, unless it was silent for too long.
pub(crate) fn living_node(now: Timestamp, item: &Item, lifetimes: &Lifetimes) -> Option<Id> {
    lives(now, item, lifetimes).then(|| node_of(item)).flatten()
}

/// The node of a member's item.
pub(crate) fn node_of(item: &Item) -> Option<Id> {
    item.optional_text("sk")?.strip_prefix(keys::MEMBER).map(Id::from)
}

/// True while a heartbeat is so young that another one need not be written. At the default lifetimes a
/// member that fires events every second writes one in ten seconds.
pub(crate) fn is_fresh(now: Timestamp, seen: Timestamp, life: u32) -> bool {
    elapsed(seen, now) < seconds(life) / FRESH_PART
}

/// The attributes of every new member. The index of memberships has entries of joined members alone.
pub(crate) fn new_member(now: Timestamp, group: &Group) -> Item {
    Item::default()
        .with("inDomain", group.record.key.domain.as_str())
        .with("seenAt", now)
        .with("createdAt", now)
        .with("serial", serial_of(group))
        .with(VALUES, HashMap::new())
        .with("valueBytes", 0_u64)
        .with("reportedAt", 0_u64)
        .with(TTL, group.ttl())
}

/// Orders the joins of one millisecond, and names one of them: later seats have greater numbers.
pub(crate) fn serial_of(group: &Group) -> u64 {
    const SEATS: u64 = 1 << 20;
    group.recounts * SEATS + group.seats
}

/// The group of a member's item.
pub(crate) fn group_of(item: &Item, id: Id) -> mesh_core::Result<GroupKey> {
    Ok(GroupKey { id, domain: item.text("inDomain")?.into() })
}
