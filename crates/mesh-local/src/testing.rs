//! A disk in memory, which can be full, lose its power, and be found again by the next start.

#![allow(clippy::unwrap_used, reason = "a test stops where something is amiss")]

use std::io;
use std::sync::Arc;

use mesh_core::clock::Clock;
use parking_lot::Mutex;
use redb::StorageBackend;

use crate::disk::File;
use crate::{LocalSettings, LocalStore, OpenError, Publisher};

/// A disk in memory.
#[derive(Clone, Debug, Default)]
pub struct TestDisk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// What survives a power cut.
    durable: Vec<u8>,
    /// What programs see.
    written: Vec<u8>,
    unsynced: Vec<Change>,
    /// Which starts still reach the disk: a killed process no longer does.
    generation: u64,
    full: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(at, data) => {
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..*at + data.len()].copy_from_slice(data);
            }
        }
    }
}

impl TestDisk {
    pub(crate) fn file(&self) -> File {
        let disk = self.clone();
        File::of_backend(move || disk.backend())
    }

    /// A disk that holds these bytes.
    pub fn holding(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.0.lock().durable.clone_from(&bytes);
        disk.0.lock().written = bytes;
        disk
    }

    /// What programs see.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().written.clone()
    }

    /// From now on nothing more fits, or it does again.
    pub fn set_full(&self, full: bool) {
        self.0.lock().full = full;
    }

    /// Until this is dropped, whoever uses the disk waits.
    pub fn hold(&self) -> impl Drop + '_ {
        self.0.lock()
    }

    /// The process is killed: what it wrote stays, and it writes no more.
    pub fn kill(&self) {
        self.0.lock().generation += 1;
    }

    /// The power fails: of what was not synced, only the first `kept` changes stay.
    pub fn cut_power(&self, kept: usize) {
        let mut inner = self.0.lock();
        inner.generation += 1;
        let unsynced = std::mem::take(&mut inner.unsynced);
        for change in unsynced.iter().take(kept) {
            change.apply(&mut inner.durable);
        }
        let Inner { written, durable, .. } = &mut *inner;
        written.clone_from(durable);
    }

    fn backend(&self) -> Backend {
        Backend { generation: self.0.lock().generation, disk: self.clone() }
    }
}

impl LocalStore {
    /// A store over a disk, which a later start may find again.
    pub fn open_on(
        disk: &TestDisk,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, OpenError> {
        Self::open_file(disk.file(), settings, clock, publisher, Box::new(|_| ()))
    }
}

/// The disk as one start of the program sees it.
#[derive(Debug)]
struct Backend {
    disk: TestDisk,
    generation: u64,
}

impl Backend {
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let mut inner = self.disk.0.lock();
        if inner.generation != self.generation {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        act(&mut inner)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.with(|inner| {
            if inner.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            change.apply(&mut inner.written);
            inner.unsynced.push(change);
            Ok(())
        })
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.with(|inner| Ok(inner.written.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|inner| {
            let at = usize::try_from(offset).unwrap();
            let bytes = inner.written.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|inner| {
            for change in std::mem::take(&mut inner.unsynced) {
                change.apply(&mut inner.durable);
            }
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
