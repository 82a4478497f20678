//! One group: its members, their values, and the rules that it decides by.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::error::{Error, Result};
use mesh_core::id::{GroupKey, Id};
use mesh_core::model::GroupRecord;
use mesh_core::secret::{Caller, SecretHash};
use mesh_core::settings::{GroupAge, Life, Lifetimes, seconds};
use mesh_core::time::Timestamp;

use super::event_log::EventLog;
use super::indexes::Indexes;
use super::memory::{block, in_table, in_tree, shared, text};
use super::readers::Readers;
use super::values::Values;
use crate::outbox::Outbox;
use crate::rows::{GroupRow, MemberRow, RepeatRow, Row};

/// A group that was not dissolved; it may be past its end and not yet removed.
pub(super) struct GroupState {
    pub(super) number: u64,
    pub(super) record: GroupRecord,
    /// The secret of its host.
    pub(super) secret: Option<SecretHash>,
    /// The end of its time and the host's latest heartbeat, by the steady clock.
    pub(super) end: Duration,
    pub(super) host_seen: Duration,
    pub(super) host_joined: u64,
    pub(super) host_values: Arc<Values>,
    /// The joined nodes.
    pub(super) members: HashMap<Id, Box<Member>>,
    pub(super) log: EventLog,
    /// Answers to recorded calls, which may come again.
    pub(super) repeats: HashMap<(Id, [u8; 16]), RepeatRow>,
    /// The number that names the host in its cursors.
    pub(super) host_reader: u64,
    pub(super) readers: Readers,
    /// The latest timestamp of a report.
    pub(super) last_report: Timestamp,
    pub(super) outbox: Arc<Outbox>,
    /// Under which time it is among the deadlines.
    pub(super) queued: Duration,
    /// Under which time it is among the oldest calls; `None` if it has no events.
    pub(super) events_queued: Option<Duration>,
}

/// A joined node.
pub(super) struct Member {
    pub(super) row: MemberRow,
    /// Its latest heartbeat, by the steady clock.
    pub(super) seen: Duration,
    /// Under which time it is among the deadlines.
    pub(super) queued: Duration,
    pub(super) values: Arc<Values>,
}

impl GroupState {
    pub(super) fn life(&self, now: Now, rules: &Lifetimes) -> Life {
        let left = self.end.saturating_sub(now.steady).as_millis();
        rules.life_of_group(GroupAge {
            left_millis: i64::try_from(left).unwrap_or(i64::MAX),
            host_silent: now.steady.saturating_sub(self.host_seen),
        })
    }

    /// The time at which this group ends unless its host renews its heartbeat, by the steady clock.
    pub(super) fn deadline(&self, rules: &Lifetimes) -> Duration {
        let silence = seconds(rules.host_heartbeat_ttl) + Duration::from_millis(1);
        self.end.min(self.host_seen + silence)
    }

    pub(super) fn is_host(&self, node: &Id) -> bool {
        self.record.host_id == *node
    }

    /// The member of that id, if it was not silent for too long. The host is none of these.
    pub(super) fn member(&self, now: Now, rules: &Lifetimes, node: &Id) -> Option<&Member> {
        self.members.get(node).map(|member| &**member).filter(|member| member.lives(now, rules))
    }

    /// Refuses a node that is neither the host nor a member.
    ///
    /// # Errors
    ///
    /// [`Error::NodeNotFound`].
    pub(super) fn check_member(&self, now: Now, rules: &Lifetimes, node: &Id) -> Result<()> {
        if self.is_host(node) || self.member(now, rules, node).is_some() {
            Ok(())
        } else {
            Err(Error::NodeNotFound(node.clone()))
        }
    }

    /// Refuses who is neither the host nor a member, and who does not bring its secret.
    pub(super) fn check_caller(&self, now: Now, rules: &Lifetimes, caller: Caller<'_>) -> Result<()> {
        self.check_member(now, rules, caller.id)?;
        self.check_secret(caller)
    }

    /// Refuses who does not bring the secret of the node, if it has one.
    pub(super) fn check_secret(&self, caller: Caller<'_>) -> Result<()> {
        let member = || self.members.get(caller.id).and_then(|member| member.row.secret);
        caller.check(if self.is_host(caller.id) { self.secret } else { member() })
    }

    /// Renews a member's heartbeat. A host's is renewed by its own calls alone.
    pub(super) fn touch(&mut self, now: Now, node: &Id) {
        if let Some(member) = self.members.get_mut(node) {
            member.seen = now.steady;
        }
    }

    /// The host's or a member's values.
    pub(super) fn values_of(&self, node: &Id) -> Option<&Arc<Values>> {
        if self.is_host(node) {
            Some(&self.host_values)
        } else {
            self.members.get(node).map(|member| &member.values)
        }
    }

    /// The host's or a member's values, to change them.
    pub(super) fn values_mut(&mut self, node: &Id) -> Option<&mut Values> {
        let values =
            if self.is_host(node) { &mut self.host_values } else { &mut self.members.get_mut(node)?.values };
        Some(Arc::make_mut(values))
    }

    /// Values of the host and of all living members, each with its node.
    pub(super) fn living_values(
        &self,
        now: Now,
        rules: &Lifetimes,
    ) -> impl Iterator<Item = (&Id, &Arc<Values>)> {
        let members = self.members.iter().filter(move |(_, member)| member.lives(now, rules));
        std::iter::once((&self.record.host_id, &self.host_values))
            .chain(members.map(|(id, member)| (id, &member.values)))
    }

    /// The number that names a node in its cursors. `None` if it is no member.
    pub(super) fn reader_of(&self, node: &Id) -> Option<u64> {
        if self.is_host(node) { Some(self.host_reader) } else { Some(self.members.get(node)?.row.reader) }
    }

    /// Notes from where the host of a polling group calls, and so polls.
    pub(super) fn host_polls_from(&mut self, from: Option<IpAddr>) {
        if !self.record.use_web_socket {
            self.readers.joined(self.host_reader, from, self.log.end());
        }
    }

    /// The next report's timestamp: the clock's, or right behind the last one.
    pub(super) fn report_time(&mut self, now: Now) -> Timestamp {
        let next = self.last_report.plus(Duration::from_millis(1));
        self.last_report = now.wall.max(next);
        self.last_report
    }

    /// The row of this group itself.
    pub(super) fn row(&self) -> Row {
        let row = GroupRow {
            record: self.record.clone(),
            host_joined: self.host_joined,
            last_report: self.last_report,
            next_call: self.log.next_call(),
            dropped: self.log.dropped(),
            host_reader: self.host_reader,
            secret: self.secret,
        };
        Row::Group(self.number, Box::new(row))
    }
}

/// What a group costs beside its texts, values, members and events: itself, and its places in the state's tables.
const GROUP: usize = block(size_of::<GroupState>())
    + shared(size_of::<GroupKey>())
    + shared(size_of::<Values>())
    + shared(size_of::<Outbox>())
    + in_table::<Id, Box<GroupState>>()
    + 2 * in_tree::<(Duration, Id), ()>()
    + in_tree::<(u32, Id), ()>()
    + Readers::MEMBER
    + Indexes::GROUP;

/// What a member costs beside its texts and values.
const MEMBER: usize = block(size_of::<Member>())
    + shared(size_of::<Values>())
    + in_table::<Id, Box<Member>>()
    + Readers::MEMBER
    + in_tree::<(Duration, Id, Id), ()>()
    + Indexes::MEMBERSHIP;

impl GroupState {
    /// What it costs in memory, without its members and events.
    pub(super) fn cost(&self) -> usize {
        let GroupRecord { key, name, host_id, .. } = &self.record;
        let texts = [key.id.as_str(), key.domain.as_str(), name, host_id.as_str()];
        GROUP + texts.into_iter().map(text).sum::<usize>() + self.host_values.cost()
    }
}

impl Member {
    /// What a new member costs in memory.
    pub(super) fn cost_of(node: &Id, name: Option<&str>) -> usize {
        MEMBER + text(node.as_str()) + name.map_or(0, text)
    }

    /// What it costs in memory.
    pub(super) fn cost(&self, node: &Id) -> usize {
        Self::cost_of(node, self.row.name.as_deref()) + self.values.cost()
    }

    pub(super) fn lives(&self, now: Now, rules: &Lifetimes) -> bool {
        rules.member_lives(now.steady.saturating_sub(self.seen))
    }

    /// The time at which this member is gone unless it calls again, by the steady clock.
    pub(super) fn deadline(&self, rules: &Lifetimes) -> Duration {
        self.seen + seconds(rules.member_heartbeat_ttl)
    }
}
