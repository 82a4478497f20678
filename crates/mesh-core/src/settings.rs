//! What a deployment may set: lifetimes, intervals, and the limits that only the store can see.

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

/// Lifetimes and intervals, in seconds. Each has an environment name, given at its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// How often a host renews its heartbeat: `MESH_HOST_HEARTBEAT_INTERVAL_SECONDS`.
    pub host_heartbeat_interval: u32,
    /// How long a group outlives its host's last heartbeat: `MESH_HOST_HEARTBEAT_TTL_SECONDS`.
    pub host_heartbeat_ttl: u32,
    /// How often a member sends its heartbeat: `MESH_MEMBER_HEARTBEAT_INTERVAL_SECONDS`.
    pub member_heartbeat_interval: u32,
    /// How long a silent member stays: `MESH_MEMBER_HEARTBEAT_TTL_SECONDS`.
    pub member_heartbeat_ttl: u32,
    /// The longest and the default life of a group: `MESH_MAX_CONNECTION_TIME_SECONDS`.
    pub max_connection_time: u32,
    /// How long a recorded event is kept: `MESH_EVENT_TTL_SECONDS`.
    pub event_ttl: u32,
    /// How often a node without a WebSocket polls: `MESH_POLLING_INTERVAL_SECONDS`.
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

/// A setting that makes no sense; stops a program at start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingError {
    /// The environment name of the setting.
    pub name: &'static str,
    /// What is wrong with its value.
    pub problem: String,
}

const YEAR: u32 = 365 * 24 * 3_600;

/// How long events are looked for before a `since` that is a time: the client's clock may be ahead,
/// and living clients start their `since` up to two seconds late.
pub const SINCE_LOOK_BACK: Duration = Duration::from_secs(4);

/// How long the same call of `recordEventsByNode` is recognised.
pub const REPEAT_WINDOW: Duration = Duration::from_mins(10);

/// How long an expired group is remembered at least, to be told from one that never was.
pub const EXPIRED_MEMORY: Duration = Duration::from_hours(1);

impl Lifetimes {
    /// Checks that every value is positive, at most a year, and each interval below its TTL.
    pub fn check(&self) -> Result<(), SettingError> {
        let all = [
            ("MESH_HOST_HEARTBEAT_INTERVAL_SECONDS", self.host_heartbeat_interval),
            ("MESH_HOST_HEARTBEAT_TTL_SECONDS", self.host_heartbeat_ttl),
            ("MESH_MEMBER_HEARTBEAT_INTERVAL_SECONDS", self.member_heartbeat_interval),
            ("MESH_MEMBER_HEARTBEAT_TTL_SECONDS", self.member_heartbeat_ttl),
            ("MESH_MAX_CONNECTION_TIME_SECONDS", self.max_connection_time),
            ("MESH_EVENT_TTL_SECONDS", self.event_ttl),
            ("MESH_POLLING_INTERVAL_SECONDS", self.polling_interval),
        ];
        for (name, seconds) in all {
            if !(1..=YEAR).contains(&seconds) {
                return Err(SettingError {
                    name,
                    problem: format!("must be 1 to {YEAR} seconds, not {seconds}"),
                });
            }
        }
        // Each interval with the life that must outlast it.
        for [(name, interval), (outlasting, ttl)] in [[all[0], all[1]], [all[2], all[3]], [all[6], all[5]]] {
            if interval >= ttl {
                return Err(SettingError {
                    name,
                    problem: format!("({interval}) must be below {outlasting} ({ttl})"),
                });
            }
        }
        Ok(())
    }

    /// Whether a group lives: the one rule by which every store decides, on every read.
    pub fn life_of_group(&self, age: GroupAge) -> Life {
        if age.left_millis <= 0 {
            Life::Expired
        } else if age.host_silent > seconds(self.host_heartbeat_ttl) {
            Life::HostSilent
        } else {
            Life::Alive
        }
    }

    /// Whether a member is still there after having been silent so long.
    pub fn member_lives(&self, silent: Duration) -> bool {
        silent < seconds(self.member_heartbeat_ttl)
    }

    /// Whether an event recorded so long ago is still kept.
    pub fn keeps_event(&self, age: Duration) -> bool {
        age < seconds(self.event_ttl)
    }

    /// What clients are told of a group.
    pub fn describe(&self, record: GroupRecord) -> Group {
        Group {
            heartbeat_interval_seconds: self.host_heartbeat_interval,
            polling_interval_seconds: self.polling_interval_unless(record.use_web_socket),
            record,
        }
    }

    /// What clients are told of a node of `group`.
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

/// How far a group's life has run, by whichever clock its store trusts.
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

/// Whether a group lives.
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
        let error = wrong.check().unwrap_err().to_string();
        assert!(error.contains("MESH_HOST_HEARTBEAT_INTERVAL_SECONDS"), "{error}");
        let wrong = Lifetimes { event_ttl: 0, ..Lifetimes::default() };
        assert_eq!(wrong.check().unwrap_err().name, "MESH_EVENT_TTL_SECONDS");
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
