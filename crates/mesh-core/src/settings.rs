//! The settings of a deployment: lifetimes, intervals, and the limits that only the store can see.

use std::time::Duration;

use crate::model::{Group, GroupRecord, Node, NodeRecord};
use crate::time::Timestamp;

/// All settings of a home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Lifetimes and intervals.
    pub lifetimes: Lifetimes,
    /// Limits that only the store can see.
    pub limits: Limits,
}

/// Lifetimes and intervals, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The interval of a host's heartbeats.
    pub host_heartbeat_interval: u32,
    /// The time by which a group outlives its host's last heartbeat.
    pub host_heartbeat_ttl: u32,
    /// The interval of a member's heartbeats.
    pub member_heartbeat_interval: u32,
    /// The time after which a silent member is gone.
    pub member_heartbeat_ttl: u32,
    /// The longest and the default life of a group.
    pub max_connection_time: u32,
    /// The time for which a recorded event is kept.
    pub event_ttl: u32,
    /// The interval of polls of a node without a WebSocket.
    pub polling_interval: u32,
}

/// Limits that only the store can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most nodes of a group, the host not counted.
    pub nodes_in_group: usize,
    /// The most living groups of a domain.
    pub groups_in_domain: usize,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            host_heartbeat_interval: 60,
            host_heartbeat_ttl: 150,
            member_heartbeat_interval: 120,
            member_heartbeat_ttl: 600,
            max_connection_time: 2100,
            event_ttl: 30,
            polling_interval: 2,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes_in_group: 500, groups_in_domain: 1_000 }
    }
}

/// One of the [`Lifetimes`]; a home maps it to the name that it is set by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of its name")]
pub enum Lifetime {
    HostHeartbeatInterval,
    HostHeartbeatTtl,
    MemberHeartbeatInterval,
    MemberHeartbeatTtl,
    MaxConnectionTime,
    EventTtl,
    PollingInterval,
}

/// A lifetime that makes no sense; stops a program at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifetimeError {
    /// It is zero or longer than a year.
    OutOfRange {
        /// Which.
        lifetime: Lifetime,
        /// Its value in seconds.
        seconds: u32,
    },
    /// An interval is not below the lifetime that must outlast it.
    NotBelow {
        /// The interval, and its value in seconds.
        interval: (Lifetime, u32),
        /// The lifetime that must be longer, and its value in seconds.
        ttl: (Lifetime, u32),
    },
}

impl LifetimeError {
    /// The lifetime that is wrong.
    pub const fn lifetime(self) -> Lifetime {
        match self {
            Self::OutOfRange { lifetime, .. } | Self::NotBelow { interval: (lifetime, _), .. } => lifetime,
        }
    }

    /// Says what is wrong with it, by the names of a home.
    pub fn problem(self, name_of: impl Fn(Lifetime) -> &'static str) -> String {
        match self {
            Self::OutOfRange { seconds, .. } => format!("must be 1 to {YEAR} seconds, not {seconds}"),
            Self::NotBelow { interval: (_, interval), ttl: (outlasting, ttl) } => {
                format!("({interval}) must be below {} ({ttl})", name_of(outlasting))
            }
        }
    }
}

const YEAR: u32 = 365 * 24 * 3_600;

/// The span before a `since` that is a time in which events are looked for: the client's clock may be ahead,
/// and living clients start their `since` up to two seconds late.
pub const SINCE_LOOK_BACK: Duration = Duration::from_secs(4);

/// The time for which the same call of `recordEventsByNode` is recognised.
pub const REPEAT_WINDOW: Duration = Duration::from_mins(10);

/// The time for which an expired group is remembered at least, to be told from one that never was.
pub const EXPIRED_MEMORY: Duration = Duration::from_hours(1);

impl Lifetimes {
    /// Checks that every value is positive, at most a year, and each interval below its TTL.
    ///
    /// # Errors
    ///
    /// The first lifetime that is not.
    pub fn check(&self) -> Result<(), LifetimeError> {
        use Lifetime::{
            EventTtl, HostHeartbeatInterval, HostHeartbeatTtl, MaxConnectionTime, MemberHeartbeatInterval,
            MemberHeartbeatTtl, PollingInterval,
        };

        let all = [
            (HostHeartbeatInterval, self.host_heartbeat_interval),
            (HostHeartbeatTtl, self.host_heartbeat_ttl),
            (MemberHeartbeatInterval, self.member_heartbeat_interval),
            (MemberHeartbeatTtl, self.member_heartbeat_ttl),
            (MaxConnectionTime, self.max_connection_time),
            (EventTtl, self.event_ttl),
            (PollingInterval, self.polling_interval),
        ];
        for (lifetime, seconds) in all {
            if !(1..=YEAR).contains(&seconds) {
                return Err(LifetimeError::OutOfRange { lifetime, seconds });
            }
        }
        // Each interval with the life that must outlast it.
        for [interval, ttl] in [[all[0], all[1]], [all[2], all[3]], [all[6], all[5]]] {
            if interval.1 >= ttl.1 {
                return Err(LifetimeError::NotBelow { interval, ttl });
            }
        }
        Ok(())
    }

    /// Decides if a group lives: the one rule by which every store decides, on every read.
    pub fn life_of_group(&self, age: GroupAge) -> Life {
        if age.left_millis <= 0 {
            Life::Expired
        } else if age.host_silent > seconds(self.host_heartbeat_ttl) {
            Life::HostSilent
        } else {
            Life::Alive
        }
    }

    /// Returns `true` if a member is still there after having been silent so long.
    pub fn member_lives(&self, silent: Duration) -> bool {
        silent < seconds(self.member_heartbeat_ttl)
    }

    /// Returns `true` if an event recorded so long ago is still kept.
    pub fn keeps_event(&self, age: Duration) -> bool {
        age < seconds(self.event_ttl)
    }

    /// A group as clients see it.
    pub fn describe(&self, record: GroupRecord) -> Group {
        Group {
            heartbeat_interval_seconds: self.host_heartbeat_interval,
            polling_interval_seconds: self.polling_interval_unless(record.use_web_socket),
            record,
        }
    }

    /// A node of `group` as clients see it.
    pub fn describe_node(&self, group: &GroupRecord, record: NodeRecord) -> Node {
        Node {
            group: group.key.clone(),
            expires_at: group.expires_at,
            heartbeat_interval_seconds: self.member_heartbeat_interval,
            polling_interval_seconds: self.polling_interval_unless(record.use_web_socket),
            record,
        }
    }

    fn polling_interval_unless(&self, use_web_socket: bool) -> Option<u32> {
        (!use_web_socket).then_some(self.polling_interval)
    }
}

/// The age of a group, by the clock that its store trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupAge {
    /// Milliseconds until the group's `expiresAt`; zero or less is past it.
    pub left_millis: i64,
    /// Time since the host's last heartbeat.
    pub host_silent: Duration,
}

impl GroupAge {
    /// The age by the wall clock alone, for homes whose machines agree on the time.
    pub fn by_wall(now: Timestamp, expires_at: Timestamp, host_seen: Timestamp) -> Self {
        Self { left_millis: expires_at.millis_since(now), host_silent: elapsed(host_seen, now) }
    }
}

/// The life of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Alive,
    /// Its time is over.
    Expired,
    /// Its host was silent for too long.
    HostSilent,
}

/// A number of seconds as a span.
pub fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

/// The span between two readings of the wall clock; none if the later reading is the earlier moment.
pub fn elapsed(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(later.millis_since(earlier)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense() {
        assert_eq!(Lifetimes::default().check(), Ok(()));
    }

    #[test]
    fn an_interval_stays_below_its_ttl() {
        let wrong = Lifetimes { host_heartbeat_interval: 150, ..Lifetimes::default() };
        let error = wrong.check().unwrap_err();
        assert_eq!(error.lifetime(), Lifetime::HostHeartbeatInterval);
        assert_eq!(error.problem(|_| "the TTL"), "(150) must be below the TTL (150)");
        let wrong = Lifetimes { event_ttl: 0, ..Lifetimes::default() };
        assert_eq!(wrong.check().unwrap_err().lifetime(), Lifetime::EventTtl);
    }

    #[test]
    fn a_group_dies_at_its_end_or_after_its_hosts_silence() {
        let rules = Lifetimes::default();
        let age = |left_millis, silent| GroupAge { left_millis, host_silent: Duration::from_millis(silent) };
        assert_eq!(rules.life_of_group(age(1, 150_000)), Life::Alive);
        assert_eq!(rules.life_of_group(age(1, 150_001)), Life::HostSilent);
        assert_eq!(rules.life_of_group(age(0, 0)), Life::Expired);
        assert_eq!(rules.life_of_group(age(0, 150_001)), Life::Expired);
    }
}
