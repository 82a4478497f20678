//! Limits on the work that one client may ask for in a time: by address, by connection and by group.
//!
//! Limits by address keep fair shares between homes. Their defaults let ten times the load of one
//! classroom pass behind one address; `--rate-limit` multiplies them for a whole school behind one.
//! Limits of a connection and of a group stop floods alone, and hold for loopback, too.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use mesh_core::id::{Domain, Id};

use super::answers::{AnswerLimit, AnswerLimits, Meter};
use super::counted;

type Instant = <DefaultClock as Clock>::Instant;

/// Which limits hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimits {
    /// The factor of all limits by address; `None` for none.
    pub by_address: Option<f64>,
    /// Limits of each connection and each group; `None` for none.
    pub floods: Option<Flood>,
}

/// The limits of one connection, and of all calls of one group, in a second; twice that may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flood {
    /// Calls; messages on a WebSocket.
    pub calls: u32,
    /// Bytes of requests.
    pub bytes: u32,
    /// Bytes of answers.
    pub answers: u32,
}

/// Bytes of answers that one address, connection or group may have in a second.
const ANSWERS: u32 = 64 << 20;

impl Default for Flood {
    fn default() -> Self {
        Self { calls: 1_000, bytes: 20 << 20, answers: ANSWERS }
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { by_address: Some(1.0), floods: Some(Flood::default()) }
    }
}

impl RateLimits {
    /// No limits, for measuring how fast the server is.
    pub const OFF: Self = Self { by_address: None, floods: None };
}

/// A kind of work, as it is limited by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Operations of requests, one at least.
    Calls,
    /// Bytes of requests.
    Bytes,
    /// Calls of createGroup.
    CreatedGroups,
    /// Calls of joinGroup.
    Joins,
    /// Upgrades to WebSockets.
    Upgrades,
    /// Wrong keys, and requests and messages that cannot be read.
    Garbage,
}

/// A limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There were too many calls, or they asked for too much. Try again in {} s, or ask the operator for more: --rate-limit", self.seconds())]
pub struct TooMuch {
    /// When it is worth trying again.
    pub retry_after: Duration,
}

impl TooMuch {
    /// Whole seconds after which it is worth trying again.
    pub const fn seconds(&self) -> u64 {
        self.retry_after.as_secs() + 1
    }
}

/// The limits of one server, and what was used of them.
pub struct Rates {
    by_address: Option<ByAddress>,
    flood: Option<Flood>,
    groups: Option<Limiters<u64>>,
    hasher: RandomState,
}

/// The use that one connection made of its limits.
#[derive(Clone)]
pub struct ConnectionRate(Option<Arc<Direct>>);

struct Direct {
    calls: DefaultDirectRateLimiter,
    bytes: DefaultDirectRateLimiter,
    answers: AnswerLimit,
}

struct ByAddress {
    usual: Limiters<IpAddr>,
    created_groups: DefaultKeyedRateLimiter<IpAddr>,
    joins: DefaultKeyedRateLimiter<IpAddr>,
    upgrades: DefaultKeyedRateLimiter<IpAddr>,
    garbage: DefaultKeyedRateLimiter<IpAddr>,
}

struct Limiters<K: std::hash::Hash + Eq + Clone> {
    calls: DefaultKeyedRateLimiter<K>,
    bytes: DefaultKeyedRateLimiter<K>,
    answers: AnswerLimits<K>,
}

impl Rates {
    /// Nothing is used yet.
    pub fn new(limits: RateLimits) -> Self {
        let groups = |flood: Flood| Limiters {
            calls: RateLimiter::keyed(quota(flood.calls.into(), 2.0)),
            bytes: RateLimiter::keyed(quota(flood.bytes.into(), 2.0)),
            answers: AnswerLimits::new(flood.answers.into()),
        };
        Self {
            by_address: limits.by_address.map(ByAddress::new),
            flood: limits.floods,
            groups: limits.floods.map(groups),
            hasher: RandomState::new(),
        }
    }

    /// Counts work of an address.
    ///
    /// # Errors
    ///
    /// If it is more than allowed; then it is not counted. Calls and bytes are refused, too, after answers that were more
    /// than allowed.
    pub fn admit(&self, address: IpAddr, work: Work, amount: usize) -> Result<(), TooMuch> {
        if matches!(work, Work::Calls | Work::Bytes) {
            self.check_answers(address)?;
        }
        match (&self.by_address, counted(address)) {
            (Some(limiters), Some(address)) => check(limiters.of(work), &address, amount),
            _ => Ok(()),
        }
    }

    /// Refuses an address whose answers were more than allowed.
    pub(super) fn check_answers(&self, address: IpAddr) -> Result<(), TooMuch> {
        match (&self.by_address, counted(address)) {
            (Some(limiters), Some(address)) => limiters.usual.answers.check(&address),
            _ => Ok(()),
        }
    }

    /// Counts a call of a group.
    ///
    /// # Errors
    ///
    /// If all calls of the group together, or the answers to those before, are more than allowed.
    pub fn admit_in_group(&self, id: &Id, domain: &Domain, bytes: usize) -> Result<(), TooMuch> {
        let Some(groups) = &self.groups else { return Ok(()) };
        let number = self.group_number(id, domain);
        groups.answers.check(&number)?;
        check(&groups.calls, &number, 1)?;
        check(&groups.bytes, &number, bytes)
    }

    /// Counts what is written for a request of a client.
    pub const fn meter<'a>(&'a self, address: IpAddr, connection: &'a ConnectionRate) -> Meter<'a> {
        Meter::new(self, address, connection)
    }

    /// The number by which limits know a group. It is a hash that is keyed at random, so nobody can make a group
    /// that shares another one's limit.
    pub(super) fn group_number(&self, id: &Id, domain: &Domain) -> u64 {
        self.hasher.hash_one((id.as_str(), domain.as_str()))
    }

    /// Counts bytes of an answer for an address and a group.
    pub(super) fn count_answer(&self, address: IpAddr, group: Option<u64>, bytes: usize) {
        if let (Some(limiters), Some(address)) = (&self.by_address, counted(address)) {
            limiters.usual.answers.count(address, bytes);
        }
        if let (Some(groups), Some(group)) = (&self.groups, group) {
            groups.answers.count(group, bytes);
        }
    }

    /// The limits of a new connection.
    pub fn connection(&self) -> ConnectionRate {
        let direct = |flood: Flood| {
            Arc::new(Direct {
                calls: RateLimiter::direct(quota(flood.calls.into(), 2.0)),
                bytes: RateLimiter::direct(quota(flood.bytes.into(), 2.0)),
                answers: AnswerLimit::new(flood.answers.into()),
            })
        };
        ConnectionRate(self.flood.map(direct))
    }

    /// Forgets who has used nothing lately.
    pub fn forget_idle(&self) {
        if let Some(groups) = &self.groups {
            groups.forget_idle();
        }
        if let Some(limiters) = &self.by_address {
            limiters.usual.forget_idle();
            for limiter in [&limiters.created_groups, &limiters.joins, &limiters.upgrades, &limiters.garbage]
            {
                limiter.retain_recent();
            }
        }
    }
}

impl ConnectionRate {
    /// Counts calls and bytes of the connection.
    ///
    /// # Errors
    ///
    /// If they are more than allowed, or the answers to those before were.
    pub fn admit(&self, calls: usize, bytes: usize) -> Result<(), TooMuch> {
        let Some(direct) = &self.0 else { return Ok(()) };
        direct.answers.check()?;
        for (limiter, amount) in [(&direct.calls, calls), (&direct.bytes, bytes)] {
            let Some(amount) = whole(amount) else { continue };
            match limiter.check_n(amount) {
                Ok(Ok(())) => {}
                Ok(Err(not_until)) => return Err(too_much(&not_until, limiter.clock())),
                Err(_) => return Err(TooMuch { retry_after: Duration::from_secs(1) }),
            }
        }
        Ok(())
    }

    /// Counts bytes of an answer.
    pub(super) fn count_answer(&self, bytes: usize) {
        if let Some(direct) = &self.0 {
            direct.answers.count(bytes);
        }
    }
}

impl ByAddress {
    /// The load of one classroom in the tests is 170 writes a second of 400 nodes in 10 groups.
    fn new(factor: f64) -> Self {
        let keyed = |per_second: f64, seconds: f64| RateLimiter::keyed(quota(per_second * factor, seconds));
        Self {
            usual: Limiters {
                calls: keyed(2_000.0, 2.0),
                bytes: keyed(f64::from(20 << 20), 2.0),
                // Ten classrooms of which every node polls.
                answers: AnswerLimits::new(f64::from(ANSWERS) * factor),
            },
            // Two hundred at once, then one every two seconds.
            created_groups: keyed(0.5, 400.0),
            // A school that comes in at once, then twenty a second.
            joins: keyed(20.0, 250.0),
            upgrades: keyed(50.0, 100.0),
            garbage: keyed(5.0, 40.0),
        }
    }

    fn of(&self, work: Work) -> &DefaultKeyedRateLimiter<IpAddr> {
        match work {
            Work::Calls => &self.usual.calls,
            Work::Bytes => &self.usual.bytes,
            Work::CreatedGroups => &self.created_groups,
            Work::Joins => &self.joins,
            Work::Upgrades => &self.upgrades,
            Work::Garbage => &self.garbage,
        }
    }
}

impl<K: std::hash::Hash + Eq + Clone> Limiters<K> {
    fn forget_idle(&self) {
        self.calls.retain_recent();
        self.bytes.retain_recent();
        self.answers.forget_idle();
    }
}

/// So much a second, and what `seconds` bring at once.
fn quota(per_second: f64, seconds: f64) -> Quota {
    let burst = (per_second * seconds).clamp(1.0, f64::from(u32::MAX));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was clamped")]
    let burst = NonZeroU32::new(burst as u32).unwrap_or(NonZeroU32::MIN);
    let period = Duration::from_secs_f64((1.0 / per_second).clamp(1e-9, 86_400.0));
    Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

fn check<K: std::hash::Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
    amount: usize,
) -> Result<(), TooMuch> {
    let Some(amount) = whole(amount) else { return Ok(()) };
    match limiter.check_key_n(key, amount) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_until)) => Err(too_much(&not_until, limiter.clock())),
        Err(_) => Err(TooMuch { retry_after: Duration::from_secs(1) }),
    }
}

fn whole(amount: usize) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(amount).unwrap_or(u32::MAX))
}

fn too_much(not_until: &NotUntil<Instant>, clock: &DefaultClock) -> TooMuch {
    TooMuch { retry_after: not_until.wait_time_from(clock.now()) }
}

#[cfg(test)]
mod tests {
    use super::super::answers::ITEM_BYTES;
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_a_share_and_loopback_has_no_limit() {
        // So slow that nothing comes back during a test: one group every two thousand seconds.
        let rates = Rates::new(RateLimits { by_address: Some(0.001), floods: None });
        let create = |text: &str| rates.admit(address(text), Work::CreatedGroups, 1);
        assert_eq!(create("192.0.2.1"), Ok(()));
        let refused = create("192.0.2.1").unwrap_err();
        assert!((1_900..=2_000).contains(&refused.retry_after.as_secs()), "{refused:?}");
        assert_eq!(create("192.0.2.2"), Ok(()), "another address");
        assert_eq!(create("2001:db8::1"), Ok(()));
        assert!(create("2001:db8::2").is_err(), "the same home");
        assert!((0..1_000).all(|_| create("127.0.0.1").is_ok() && create("::1").is_ok()));
        rates.forget_idle();
        assert!(create("192.0.2.1").is_err(), "it is remembered while it counts");
    }

    #[test]
    fn a_classroom_passes_ten_times() {
        let rates = Rates::new(RateLimits::default());
        let school = address("192.0.2.1");
        for (work, at_once) in
            [(Work::CreatedGroups, 100), (Work::Joins, 4_000), (Work::Upgrades, 4_000), (Work::Calls, 1_700)]
        {
            assert!((0..at_once).all(|_| rates.admit(school, work, 1).is_ok()), "{work:?}");
        }
        assert!((0..1_000).any(|_| rates.admit(school, Work::CreatedGroups, 1).is_err()));
        // 4,000 nodes that poll every two seconds: 20 KB each time, with 300 events and values.
        for _ in 0..2_000 {
            rates.count_answer(school, None, (20 << 10) + 300 * ITEM_BYTES);
        }
        assert!(rates.admit(school, Work::Calls, 1).is_ok());
    }

    #[test]
    fn a_connection_and_a_group_cannot_flood() {
        let floods = Some(Flood { calls: 1, bytes: 1 << 20, ..Flood::default() });
        let rates = Rates::new(RateLimits { by_address: None, floods });
        let connection = rates.connection();
        assert!((0..2).all(|_| connection.admit(1, 10).is_ok()));
        assert!(connection.admit(1, 10).is_err());
        assert!(rates.connection().admit(0, 4 << 20).is_err(), "more than ever comes at once");
        let (id, domain) = (Id::from("g"), Domain::from("d"));
        assert!((0..2).all(|_| rates.admit_in_group(&id, &domain, 10).is_ok()));
        assert!(rates.admit_in_group(&id, &domain, 10).is_err());
        assert!(rates.admit_in_group(&Id::from("other"), &domain, 10).is_ok());
        assert!(Rates::new(RateLimits::OFF).connection().admit(1 << 20, 1 << 30).is_ok());
    }
}
