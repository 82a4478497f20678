//! The condition variable of `parking_lot`, over threads of `shuttle`, which has none with its guards.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shuttle::thread::{self, Thread};
use shuttle_parking_lot::{Mutex, MutexGuard};

#[derive(Default)]
pub(crate) struct Condvar(Mutex<VecDeque<Arc<Waiter>>>);

struct Waiter {
    thread: Thread,
    is_notified: AtomicBool,
}

impl Condvar {
    pub(crate) fn notify_one(&self) {
        let waiter = self.0.lock().pop_front();
        if let Some(waiter) = waiter {
            waiter.is_notified.store(true, Ordering::SeqCst);
            waiter.thread.unpark();
        }
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let waiter = self.enqueue();
        MutexGuard::unlocked(guard, || {
            while !waiter.is_notified.load(Ordering::SeqCst) {
                thread::park();
            }
        });
    }

    /// There is no time: the wait is over whenever the scheduler says so. Returns true if nobody notified it.
    pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _: Instant) -> bool {
        let waiter = self.enqueue();
        MutexGuard::unlocked(guard, thread::yield_now);
        self.0.lock().retain(|waiting| !Arc::ptr_eq(waiting, &waiter));
        !waiter.is_notified.load(Ordering::SeqCst)
    }

    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> bool {
        self.wait_until(guard, Instant::now())
    }

    /// Done while the guard is held, so that no notification is missed.
    fn enqueue(&self) -> Arc<Waiter> {
        let waiter = Arc::new(Waiter { thread: thread::current(), is_notified: AtomicBool::new(false) });
        self.0.lock().push_back(waiter.clone());
        waiter
    }
}
