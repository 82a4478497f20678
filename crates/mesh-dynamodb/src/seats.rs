//! The limit of nodes in a group, at the cost of one write a join.
//!
//! A group's item has a number of `seats` taken, which is never below the number of its members: each
//! join takes a seat before it writes its member, and neither leaving nor falling silent gives one
//! back. When all are taken the members are counted anew, and the seats with them.
//!
//! A join that is under way while the members are counted may be missed by the count. So a count
//! begins by raising the group's `recounts`, while all seats are taken. A join reads them when it takes its seat
//! and once more after it wrote its member; if they differ, it takes a seat again.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::GroupKey;
use mesh_core::secret::Caller;
use mesh_core::time::Timestamp;

use crate::backoff::Backoff;
use crate::items::group::Group;
use crate::items::keys;
use crate::items::member::{self, living_node};
use crate::lookup::group_in;
use crate::store::DynamoStore;
use crate::table::{Change, Failure, Key};

/// The first pause of a node that counted at the same time as another one.
const PAUSE: Duration = Duration::from_millis(10);

/// A node that wants to be in a group.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) group: &'a GroupKey,
    /// The key of the group's item.
    pub(crate) item_key: &'a Key,
    pub(crate) node: Caller<'a>,
    /// True if it polls.
    pub(crate) polls: bool,
    /// True if it wrote its member already, and takes a seat again because members were counted anew.
    pub(crate) is_written: bool,
}

/// The right of a node to be in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// It took a seat.
    Taken,
    /// It is a member already; all seats are taken.
    Known,
    /// It is the host, who needs none.
    Host,
}

/// Takes a seat for a node, or refuses it because the group is full or over.
pub(crate) async fn take_seat(
    store: &DynamoStore,
    now: Timestamp,
    candidate: Candidate<'_>,
) -> Result<(Group, Seat)> {
    let Candidate { group: key, item_key, node, polls, .. } = candidate;
    let begin_recording = if polls { ", hasPollers = :on" } else { "" };
    let mut backoff = Backoff::from(PAUSE);
    loop {
        let mut taking = Change::of(item_key.clone())
            .update(format!("SET seats = seats + :one{begin_recording}"))
            .value(":one", 1_u64)
            .only_if_alive(now, &key.id, store.lifetimes())
            .only_if("hostId <> :node AND seats < :most")
            .value(":node", node.id.as_str())
            .value(":most", store.settings.limits.nodes_in_group);
        if polls {
            taking = taking.value(":on", true);
        }
        let there = match store.table.update(taking, ReturnValue::AllNew).await {
            Ok(item) => return Ok((group_in(store, now, key, Some(&item))?, Seat::Taken)),
            Err(Failure::Refused(item)) => item,
            Err(failure) => return Err(failure.into()),
        };
        let group = group_in(store, now, key, there.as_ref())?;
        if group.is_host(node.id) {
            group.check_host_secret(node)?;
            return Ok((group, Seat::Host));
        }
        if let Some(seated) = count_anew(store, now, candidate, group).await? {
            return Ok(seated);
        }
        backoff.pause().await;
    }
}

/// Gives back the seat of a node that was refused after it took one, so that seats are not used up by refused joins.
/// Only while nobody else took one or counted since: then a seat stays taken for nothing, until the next count. So
/// an update that the SDK sends again gives none back twice. That a node polls stays noted: others may rely on it.
pub(crate) async fn give_back(
    store: &DynamoStore,
    now: Timestamp,
    candidate: Candidate<'_>,
    group: &Group,
) -> Result<()> {
    let back = Change::of(candidate.item_key.clone())
        .update("SET seats = seats - :one")
        .value(":one", 1_u64)
        .only_if_alive(now, &candidate.group.id, store.lifetimes())
        .only_if("recounts = :recounts AND seats = :seats")
        .value(":recounts", group.recounts)
        .value(":seats", group.seats);
    match store.table.update(back, ReturnValue::None).await {
        Ok(_) | Err(Failure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// Counts the members and takes a seat if there is one. Returns `None` when another node is counting.
async fn count_anew(
    store: &DynamoStore,
    now: Timestamp,
    candidate: Candidate<'_>,
    group: Group,
) -> Result<Option<(Group, Seat)>> {
    let Candidate { group: key, item_key, .. } = candidate;
    let most = store.settings.limits.nodes_in_group;
    // Counted once before `recounts` is raised: who is refused disturbs nobody.
    if count_others(store, now, candidate, &group).await?.is_none() {
        return Ok(Some((group, Seat::Known)));
    }
    let raise = Change::of(item_key.clone())
        .update("SET recounts = recounts + :one")
        .value(":one", 1_u64)
        .only_if_alive(now, &key.id, store.lifetimes())
        .only_if("seats >= :most")
        .value(":most", most);
    let Some(group) = changed(store, now, key, raise).await? else { return Ok(None) };
    let Some(others) = count_others(store, now, candidate, &group).await? else {
        return Ok(Some((group, Seat::Known)));
    };
    let take = Change::of(item_key.clone())
        .update("SET seats = :seats")
        .value(":seats", others + 1)
        .only_if_alive(now, &key.id, store.lifetimes())
        .only_if("recounts = :recounts")
        .value(":recounts", group.recounts);
    Ok(changed(store, now, key, take).await?.map(|group| (group, Seat::Taken)))
}

/// Counts the other members, and refuses the node if they fill the group. Returns `None` when the node
/// itself is in already.
async fn count_others(
    store: &DynamoStore,
    now: Timestamp,
    candidate: Candidate<'_>,
    group: &Group,
) -> Result<Option<usize>> {
    let Candidate { group: key, node, is_written, .. } = candidate;
    let members = store.table.query(keys::group(&key.id), member::PAGE).with_prefix(keys::MEMBER);
    let mut members = members.only("sk, seenAt");
    let (mut others, mut is_in) = (0, false);
    while let Some(page) = members.next().await? {
        for id in page.iter().filter_map(|item| living_node(now, item, store.lifetimes())) {
            is_in |= id == *node.id;
            others += usize::from(id != *node.id && !group.is_host(&id));
        }
    }
    if is_in && !is_written {
        return Ok(None);
    }
    let most = store.settings.limits.nodes_in_group;
    if others >= most {
        return Err(Error::invalid(format!("a group may have at most {most} nodes")));
    }
    Ok(Some(others))
}

/// Changes a group's item. Returns `None` when the condition does not hold.
async fn changed(
    store: &DynamoStore,
    now: Timestamp,
    key: &GroupKey,
    change: Change,
) -> Result<Option<Group>> {
    match store.table.update(change, ReturnValue::AllNew).await {
        Ok(item) => group_in(store, now, key, Some(&item)).map(Some),
        Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}
