//! Locks and threads: those of every day or, with the feature `shuttle`, those whose schedules a test chooses.

#[cfg(feature = "shuttle")]
mod shuttled;

#[cfg(feature = "shuttle")]
pub(crate) use {
    shuttle::thread,
    shuttle_parking_lot::{Mutex, MutexGuard},
    shuttled::Condvar,
};

#[cfg(not(feature = "shuttle"))]
pub(crate) use {
    parking_lot::{Condvar, Mutex, MutexGuard},
    std::thread,
};
