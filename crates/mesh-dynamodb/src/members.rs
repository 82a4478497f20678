//! Joining, heartbeats, leaving, and who is there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::{GroupRecord, NodeRecord};
use mesh_core::settings::{Lifetimes, elapsed, seconds};
use mesh_core::store::JoinedNode;
use mesh_core::time::Timestamp;

use crate::group::Group;
use crate::keys;
use crate::seats::{Candidate, Seat};
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Item, Put, TTL};

/// Members of one page; each has 1 KB or so.
const PAGE: i32 = 200;

/// What became of a member's item when its node joined.
struct Admitted {
    created_at: Timestamp,
    /// Whether the item is new.
    is_new: bool,
}

/// That a member is there and was not silent for too long: `:oldest` is when it would have been seen.
const LIVES: &str = "attribute_exists(pk) AND seen > :oldest";

impl Change {
    /// Only if a member lives.
    pub(crate) fn only_if_member_lives(self, now: Timestamp, rules: &Lifetimes) -> Self {
        self.only_if(LIVES).value(":oldest", now.minus(seconds(rules.member_heartbeat_ttl)))
    }
}

/// The node of a member's item, unless it was silent for too long.
pub(crate) fn sees_member(now: Timestamp, item: &Item, rules: &Lifetimes) -> Option<Id> {
    lives(now, item, rules).then(|| node_of(item)).flatten()
}

/// Whether a member lives.
pub(crate) fn lives(now: Timestamp, item: &Item, rules: &Lifetimes) -> bool {
    item.time("seen").is_ok_and(|seen| rules.member_lives(elapsed(seen, now)))
}

/// A heartbeat is fresh for this part of its life.
const FRESH_PART: u32 = 60;

/// Whether a heartbeat is so young that another one need not be written. At the default lifetimes a
/// member that fires events every second writes one in ten seconds.
pub(crate) fn is_fresh(now: Timestamp, seen: Timestamp, life: u32) -> bool {
    elapsed(seen, now) < seconds(life) / FRESH_PART
}

/// The node of a member's item.
pub(crate) fn node_of(item: &Item) -> Option<Id> {
    item.optional_text("sk")?.strip_prefix(keys::MEMBER).map(Id::from)
}

impl DynamoStore {
    pub(crate) async fn join(
        &self,
        now: Timestamp,
        key: &GroupKey,
        node: &Id,
        wish: Option<bool>,
    ) -> Result<JoinedNode> {
        let place = &keys::group_item(key)?;
        let polls = wish == Some(false);
        let candidate = Candidate { group: key, place, node, polls, is_written: false };
        let (group, seat) = self.take_seat(now, candidate).await?;
        if polls && !group.polling {
            self.begin_recording(now, key, place).await?;
        }
        let use_web_socket = group.record.use_web_socket && !polls;
        let created_at = if seat == Seat::Host {
            self.host_joins(now, candidate).await?;
            group.record.created_at
        } else {
            self.node_joins(now, candidate, &group, seat, use_web_socket).await?
        };
        Ok(JoinedNode {
            group: group.record,
            node: NodeRecord { id: node.clone(), created_at, use_web_socket },
        })
    }

    /// The host stays unlisted; its joining only makes this its newest membership.
    async fn host_joins(&self, now: Timestamp, candidate: Candidate<'_>) -> Result<()> {
        let Candidate { group: key, place, .. } = candidate;
        let joining =
            Change::of(place.clone()).update("SET nj = :now").only_if_alive(now, &key.id, self.rules());
        match self.table.update(joining, ReturnValue::None).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(item)) => self.group_in(now, key, item.as_ref()).map(drop),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes the member, and takes a new one back unless the group is still there afterwards and
    /// has counted it. Answers when it joined first.
    async fn node_joins(
        &self,
        now: Timestamp,
        candidate: Candidate<'_>,
        group: &Group,
        seat: Seat,
        use_web_socket: bool,
    ) -> Result<Timestamp> {
        let Admitted { created_at, is_new } =
            self.write_member(now, group, candidate.node, use_web_socket).await?;
        if !is_new {
            return Ok(created_at);
        }
        let stays = async {
            let (there, _) = self.group(now, candidate.group).await?;
            if there.tally != group.tally || seat != Seat::Taken {
                self.take_seat(now, Candidate { is_written: true, ..candidate }).await?;
            }
            Ok(())
        };
        if let Err(refusal) = stays.await {
            self.withdraw(group, candidate.node).await?;
            return Err(refusal);
        }
        Ok(created_at)
    }

    async fn write_member(
        &self,
        now: Timestamp,
        group: &Group,
        node: &Id,
        use_web_socket: bool,
    ) -> Result<Admitted> {
        let key = keys::member(&group.record.key.id, node);
        let serial = serial_of(group);
        loop {
            let joining = Change::of(key.clone())
                .update(
                    "SET inDomain = :domain, webSocket = :socket, seen = :now, nn = :node, nj = :now, \
                     createdAt = if_not_exists(createdAt, :now), serial = if_not_exists(serial, :serial), \
                     d = if_not_exists(d, :none), held = if_not_exists(held, :zero), \
                     reported = if_not_exists(reported, :zero), #ttl = :ttl",
                )
                .only_if("(attribute_not_exists(pk) OR seen > :oldest)")
                .value(":oldest", now.minus(seconds(self.rules().member_heartbeat_ttl)))
                .value(":domain", group.record.key.domain.as_str())
                .value(":socket", use_web_socket)
                .value(":now", now)
                .value(":node", node.as_str())
                .value(":serial", serial)
                .value(":none", HashMap::new())
                .value(":zero", 0_u64)
                .value(":ttl", group.ttl())
                .name("#ttl", TTL);
            let silent = match self.table.update(joining, ReturnValue::AllOld).await {
                Ok(before) => {
                    // The SDK may have sent again what had been done.
                    let is_new = before.optional_number("serial").is_none_or(|known: u64| known == serial);
                    let created_at = if is_new { now } else { before.time("createdAt")? };
                    return Ok(Admitted { created_at, is_new });
                }
                Err(Failure::Refused(silent)) => silent,
                Err(failure) => return Err(failure.into()),
            };
            // Who was silent for too long starts anew, without the values it had.
            let seen = silent.and_then(|item| item.optional_number::<i64>("seen")).unwrap_or_default();
            let item = member_item(now, group)
                .with("webSocket", use_web_socket)
                .with("nn", node.as_str())
                .with("nj", now);
            let anew = Put::new(key.clone(), item).only_if("seen = :seen").value(":seen", seen);
            match self.table.put(anew).await {
                Ok(()) => return Ok(Admitted { created_at: now, is_new: true }),
                Err(Failure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// Takes back the member that a join under way has written.
    async fn withdraw(&self, group: &Group, node: &Id) -> Result<()> {
        let own = Change::of(keys::member(&group.record.key.id, node))
            .only_if("serial = :serial")
            .value(":serial", serial_of(group));
        match self.table.delete(own).await {
            Ok(()) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    pub(crate) async fn member_heartbeat(
        &self,
        now: Timestamp,
        key: &GroupKey,
        node: &Id,
    ) -> Result<GroupRecord> {
        let (group, _) = self.group(now, key).await?;
        if !group.is_host(node) {
            self.touch(now, key, node).await?;
        }
        Ok(group.record)
    }

    /// Takes a sign of life from a member.
    pub(crate) async fn touch(&self, now: Timestamp, key: &GroupKey, node: &Id) -> Result<()> {
        let heartbeat = Change::of(keys::member(&key.id, node))
            .update("SET seen = :now")
            .value(":now", now)
            .only_if_member_lives(now, self.rules());
        match self.table.update(heartbeat, ReturnValue::None).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(_)) => Err(Error::NodeNotFound(node.clone())),
            Err(failure) => Err(failure.into()),
        }
    }

    pub(crate) async fn leave(&self, now: Timestamp, key: &GroupKey, node: &Id) -> Result<()> {
        let (group, _) = self.group(now, key).await?;
        if group.is_host(node) {
            return self.end(now, key, node).await;
        }
        let leaving = Change::of(keys::member(&key.id, node)).only_if_member_lives(now, self.rules());
        match self.table.delete(leaving).await {
            Ok(()) => Ok(()),
            Err(Failure::Refused(_)) => Err(Error::NodeNotFound(node.clone())),
            Err(failure) => Err(failure.into()),
        }
    }

    pub(crate) async fn nodes(
        &self,
        now: Timestamp,
        key: &GroupKey,
    ) -> Result<(GroupRecord, Vec<NodeRecord>)> {
        let (group, _) = self.group(now, key).await?;
        let members = self.table.query(keys::group(&key.id), PAGE).with_prefix(keys::MEMBER);
        let items = members.only("sk, seen, createdAt, webSocket, serial").all().await?;
        let mut nodes = Vec::new();
        for item in &items {
            let Some(id) = sees_member(now, item, self.rules()).filter(|id| !group.is_host(id)) else {
                continue;
            };
            let created_at = item.time("createdAt")?;
            let serial: u64 = item.number("serial")?;
            nodes.push((serial, NodeRecord { id, created_at, use_web_socket: item.is_on("webSocket") }));
        }
        nodes.sort_unstable_by_key(|(serial, node)| (node.created_at, *serial));
        Ok((group.record, nodes.into_iter().map(|(_, node)| node).collect()))
    }
}

/// What every member's item has; the index has entries of listed members alone.
pub(crate) fn member_item(now: Timestamp, group: &Group) -> Item {
    Item::default()
        .with("inDomain", group.record.key.domain.as_str())
        .with("seen", now)
        .with("createdAt", now)
        .with("serial", serial_of(group))
        .with("d", HashMap::new())
        .with("held", 0_u64)
        .with("reported", 0_u64)
        .with(TTL, group.ttl())
}

/// Orders the joins of one millisecond, and names one of them: later seats have greater numbers.
fn serial_of(group: &Group) -> u64 {
    const SEATS: u64 = 1 << 20;
    group.tally * SEATS + group.seats
}
