//! Limits on the bytes of answers in a time. How many bytes an answer has is known when it is written, so what was
//! written is counted then, and the next request waits until the client's share has come back.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mesh_appsync::Call;
use parking_lot::Mutex;

use super::rates::{ConnectionRate, Rates, TooMuch};

/// A node, value or event that is looked at counts as so many bytes, whether it is shown or not.
pub(crate) const ITEM_BYTES: usize = 32;
/// A token of a long document takes about as long to parse as so many bytes to write.
const PARSED_TOKEN_BYTES: usize = 512;
/// So long a client may take more than its share.
const AHEAD: Duration = Duration::from_secs(2);

/// The bytes of answers that one client may have in a second, and when those that it had are its share.
pub(super) struct AnswerLimit {
    nanos_per_byte: f64,
    even_at: Mutex<Instant>,
}

impl AnswerLimit {
    pub(super) fn new(bytes_per_second: f64) -> Self {
        Self { nanos_per_byte: 1e9 / bytes_per_second, even_at: Mutex::new(Instant::now()) }
    }

    /// Refuses a client that had more than it may have at once.
    pub(super) fn check(&self) -> Result<(), TooMuch> {
        check(*self.even_at.lock(), Instant::now())
    }

    pub(super) fn count(&self, bytes: usize) {
        count(&mut self.even_at.lock(), Instant::now(), self.nanos_per_byte, bytes);
    }
}

/// The same for many clients.
pub(super) struct AnswerLimits<K> {
    nanos_per_byte: f64,
    even_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq> AnswerLimits<K> {
    pub(super) fn new(bytes_per_second: f64) -> Self {
        Self { nanos_per_byte: 1e9 / bytes_per_second, even_at: Mutex::default() }
    }

    /// Refuses a client that had more than it may have at once.
    pub(super) fn check(&self, key: &K) -> Result<(), TooMuch> {
        let even_at = self.even_at.lock().get(key).copied();
        even_at.map_or(Ok(()), |even_at| check(even_at, Instant::now()))
    }

    pub(super) fn count(&self, key: K, bytes: usize) {
        let now = Instant::now();
        count(self.even_at.lock().entry(key).or_insert(now), now, self.nanos_per_byte, bytes);
    }

    /// Forgets who had no more than its share.
    pub(super) fn forget_idle(&self) {
        let now = Instant::now();
        let mut even_at = self.even_at.lock();
        even_at.retain(|_, even_at| *even_at > now);
        even_at.shrink_to_fit();
    }
}

fn check(even_at: Instant, now: Instant) -> Result<(), TooMuch> {
    let retry_after = even_at.saturating_duration_since(now + AHEAD);
    if retry_after.is_zero() { Ok(()) } else { Err(TooMuch { retry_after }) }
}

fn count(even_at: &mut Instant, now: Instant, nanos_per_byte: f64, bytes: usize) {
    #[allow(clippy::cast_precision_loss, reason = "requests are bounded")]
    let seconds = bytes as f64 * nanos_per_byte / 1e9;
    *even_at = (*even_at).max(now) + Duration::from_secs_f64(seconds);
}

/// Counts what is written for one request: for its address, its connection and the groups that it asks for.
pub struct Meter<'a>(Option<Client<'a>>);

struct Client<'a> {
    rates: &'a Rates,
    address: IpAddr,
    connection: &'a ConnectionRate,
}

/// A group as limits know it.
#[derive(Clone, Copy)]
pub struct MeteredGroup(u64);

impl<'a> Meter<'a> {
    /// Counts nothing.
    pub const OFF: Self = Self(None);

    pub(super) const fn new(rates: &'a Rates, address: IpAddr, connection: &'a ConnectionRate) -> Self {
        Self(Some(Client { rates, address, connection }))
    }

    /// The group that a call asks for, if it asks for one.
    pub fn group(&self, call: &Call) -> Option<MeteredGroup> {
        let (id, domain) = call.group()?;
        self.0.as_ref().map(|client| MeteredGroup(client.rates.group_number(id, domain)))
    }

    /// Refuses a client for whom too much was written or parsed.
    ///
    /// # Errors
    ///
    /// When it is worth trying again.
    pub fn check(&self) -> Result<(), TooMuch> {
        self.0.as_ref().map_or(Ok(()), |client| {
            client.connection.admit(0, 0)?;
            client.rates.check_answers(client.address)
        })
    }

    /// Counts the parsing of a long document.
    pub fn count_parsed(&self, tokens: usize) {
        self.count(None, tokens * PARSED_TOKEN_BYTES, 0);
    }

    /// Counts the answer of one root field: its bytes, and the nodes, values and events that were looked at.
    pub fn count(&self, group: Option<MeteredGroup>, bytes: usize, items: usize) {
        if let Some(Client { rates, address, connection }) = &self.0 {
            let bytes = bytes + items * ITEM_BYTES;
            connection.count_answer(bytes);
            rates.count_answer(*address, group.map(|MeteredGroup(number)| number), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_had_comes_back_in_time() {
        let began = Instant::now();
        let after = |millis: u64| began + Duration::from_millis(millis);
        // A thousand bytes a second.
        let mut even_at = began;
        let mut had = |now: Instant, bytes: usize| {
            count(&mut even_at, now, 1e6, bytes);
            check(even_at, now).map_err(|too_much| too_much.retry_after.as_millis())
        };
        assert_eq!(had(began, 2_000), Ok(()), "two seconds at once");
        assert_eq!(had(began, 500), Err(500));
        assert_eq!(had(after(400), 0), Err(100));
        assert_eq!(had(after(500), 0), Ok(()));
        assert_eq!(had(after(60_000), 2_000), Ok(()), "no more than that is saved up");
        assert_eq!(had(after(60_000), 1), Err(1));
    }

    #[test]
    fn clients_are_told_apart_and_forgotten() {
        let limits = AnswerLimits::new(0.001);
        limits.count("greedy", 1);
        assert!(limits.check(&"greedy").is_err() && limits.check(&"quiet").is_ok());
        limits.count("quiet", 0);
        limits.forget_idle();
        assert_eq!(limits.even_at.lock().len(), 1);
        assert!(limits.check(&"greedy").is_err());
    }
}
