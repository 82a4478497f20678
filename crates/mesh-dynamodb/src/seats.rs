//! How many nodes a group may have, at the cost of one write a join.
//!
//! A group's item has a number of `seats` taken, which is never below the number of its members: each
//! join takes a seat before it writes its member, and neither leaving nor falling silent gives one
//! back. When all are taken the members are counted anew, and the seats with them.
//!
//! A join that is under way while the members are counted may be missed by the count. So a count
//! begins by raising the group's `tally`, while all seats are taken; and who took its seat under
//! another tally than it finds after it wrote its member takes a seat again.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::time::Timestamp;

use crate::backoff::Backoff;
use crate::group::Group;
use crate::keys::{self, Key};
use crate::members::sees_member;
use crate::store::DynamoStore;
use crate::table::{Change, Failure};

/// Members of one page; each has 1 KB or so.
const PAGE: i32 = 200;

/// The first pause of a node that counted at the same time as another one.
const PAUSE: Duration = Duration::from_millis(10);

/// A node that wants to be in a group.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) group: &'a GroupKey,
    /// The key of the group's item.
    pub(crate) place: &'a Key,
    pub(crate) node: &'a Id,
    /// Whether it polls.
    pub(crate) polls: bool,
    /// Whether it is counted although it has a seat no more: it wrote its member under another tally.
    pub(crate) is_written: bool,
}

/// What entitles a node to be in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// It took a seat.
    Taken,
    /// It is a member already; all seats are taken.
    Known,
    /// It is the host, who needs none.
    Host,
}

impl DynamoStore {
    /// Takes a seat for a node, or refuses it because the group is full or over.
    pub(crate) async fn take_seat(&self, now: Timestamp, candidate: Candidate<'_>) -> Result<(Group, Seat)> {
        let Candidate { group: key, place, node, polls, .. } = candidate;
        let begin_recording = if polls { ", polling = :on" } else { "" };
        let mut backoff = Backoff::from(PAUSE);
        loop {
            let mut taking = Change::of(place.clone())
                .update(format!("SET seats = seats + :one{begin_recording}"))
                .value(":one", 1_u64)
                .only_if_alive(now, &key.id, self.rules())
                .only_if("hostId <> :node AND seats < :most")
                .value(":node", node.as_str())
                .value(":most", self.settings.limits.nodes_in_group);
            if polls {
                taking = taking.value(":on", true);
            }
            let there = match self.table.update(taking, ReturnValue::AllNew).await {
                Ok(item) => return Ok((self.group_in(now, key, Some(&item))?, Seat::Taken)),
                Err(Failure::Refused(item)) => item,
                Err(failure) => return Err(failure.into()),
            };
            let group = self.group_in(now, key, there.as_ref())?;
            if group.is_host(node) {
                return Ok((group, Seat::Host));
            }
            if let Some(seated) = self.count_anew(now, candidate, group).await? {
                return Ok(seated);
            }
            backoff.pause().await;
        }
    }

    /// Counts the members and takes a seat if there is one; none if others count at the same time.
    async fn count_anew(
        &self,
        now: Timestamp,
        candidate: Candidate<'_>,
        group: Group,
    ) -> Result<Option<(Group, Seat)>> {
        let Candidate { group: key, place, .. } = candidate;
        let most = self.settings.limits.nodes_in_group;
        // Counted once before the tally is raised: who is refused disturbs nobody.
        if self.others(now, candidate, &group).await?.is_none() {
            return Ok(Some((group, Seat::Known)));
        }
        let raise = Change::of(place.clone())
            .update("SET tally = tally + :one")
            .value(":one", 1_u64)
            .only_if_alive(now, &key.id, self.rules())
            .only_if("seats >= :most")
            .value(":most", most);
        let Some(group) = self.changed(now, key, raise).await? else { return Ok(None) };
        let Some(others) = self.others(now, candidate, &group).await? else {
            return Ok(Some((group, Seat::Known)));
        };
        let take = Change::of(place.clone())
            .update("SET seats = :seats")
            .value(":seats", others + 1)
            .only_if_alive(now, &key.id, self.rules())
            .only_if("tally = :tally")
            .value(":tally", group.tally);
        Ok(self.changed(now, key, take).await?.map(|group| (group, Seat::Taken)))
    }

    /// How many others are in the group, unless they fill it; none if the node itself is in already.
    async fn others(&self, now: Timestamp, candidate: Candidate<'_>, group: &Group) -> Result<Option<usize>> {
        let Candidate { group: key, node, is_written, .. } = candidate;
        let mut members =
            self.table.query(keys::group(&key.id), PAGE).with_prefix(keys::MEMBER).only("sk, seen");
        let (mut others, mut is_in) = (0, false);
        while let Some(page) = members.next().await? {
            for id in page.iter().filter_map(|item| sees_member(now, item, self.rules())) {
                is_in |= id == *node;
                others += usize::from(id != *node && !group.is_host(&id));
            }
        }
        if is_in && !is_written {
            return Ok(None);
        }
        let most = self.settings.limits.nodes_in_group;
        if others >= most {
            return Err(Error::invalid(format!("a group may have at most {most} nodes")));
        }
        Ok(Some(others))
    }

    /// Changes a group's item; none if the condition does not hold.
    async fn changed(&self, now: Timestamp, key: &GroupKey, change: Change) -> Result<Option<Group>> {
        match self.table.update(change, ReturnValue::AllNew).await {
            Ok(item) => self.group_in(now, key, Some(&item)).map(Some),
            Err(Failure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}
