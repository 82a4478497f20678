//! The state and its one lock, which counts for how long it was held.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::state::State;
use crate::sync::{Mutex, MutexGuard};

/// The state, shared with the journal.
#[derive(Clone)]
pub(super) struct Shared(Arc<Lock>);

struct Lock {
    guarded: Mutex<Guarded>,
    /// Nanoseconds for which it was held, in all and the longest time. Changed only while it is held.
    total: AtomicU64,
    longest: AtomicU64,
}

/// The state, and if it may be used.
pub(super) struct Guarded {
    pub(super) state: State,
    /// True while the state holds changes that were refused, or the log cannot be written.
    pub(super) refuses: bool,
}

/// The locked state.
pub(super) struct Locked<'a> {
    lock: &'a Lock,
    guard: MutexGuard<'a, Guarded>,
    since: Instant,
}

/// For how long the state was locked.
#[derive(Clone, Copy, Debug, Default)]
pub struct LockTimes {
    /// In all.
    pub total: Duration,
    /// At one time, at most.
    pub longest: Duration,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        let guarded = Mutex::new(Guarded { state, refuses: false });
        Self(Arc::new(Lock { guarded, total: AtomicU64::default(), longest: AtomicU64::default() }))
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        let guard = self.0.guarded.lock();
        Locked { lock: &self.0, guard, since: Instant::now() }
    }

    pub(super) fn lock_times(&self) -> LockTimes {
        let read = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        LockTimes { total: read(&self.0.total), longest: read(&self.0.longest) }
    }
}

impl Deref for Locked<'_> {
    type Target = Guarded;

    fn deref(&self) -> &Guarded {
        &self.guard
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Guarded {
        &mut self.guard
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let held = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // Nobody else writes while the lock is held.
        let Lock { total, longest, .. } = self.lock;
        total.store(total.load(Ordering::Relaxed).saturating_add(held), Ordering::Relaxed);
        longest.store(longest.load(Ordering::Relaxed).max(held), Ordering::Relaxed);
    }
}
