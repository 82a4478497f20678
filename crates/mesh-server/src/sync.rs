//! Locks and counters of the hub and its queues: those of every day or, with the feature `shuttle`, those whose
//! schedules a test chooses.

#[cfg(feature = "shuttle")]
pub(crate) use {
    shuttle::sync::atomic,
    shuttle_parking_lot::{Mutex, MutexGuard, RwLock},
};

#[cfg(not(feature = "shuttle"))]
pub(crate) use {
    parking_lot::{Mutex, MutexGuard, RwLock},
    std::sync::atomic,
};
