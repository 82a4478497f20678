//! A disk in memory, which can be full, refuse to flush, lose its power, and be found again by the next start.

#![allow(clippy::unwrap_used, reason = "a test stops where something is amiss")]

mod files;

use std::path::Path;
use std::sync::Arc;

use mesh_core::clock::Clock;

use crate::journal::log;
use crate::sync::{Condvar, Mutex};
use crate::{LocalSettings, LocalStore, OpenError, Publisher, SyncPolicy};
use files::TestFolder;

/// A disk in memory with one folder.
#[derive(Clone, Default)]
pub struct TestDisk(Arc<Disk>);

#[derive(Default)]
struct Disk {
    inner: Mutex<Inner>,
    /// Told when a fold may go on.
    resumed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    /// Survives a power cut.
    durable: Contents,
    /// The bytes that programs see.
    written: Contents,
    unsynced: Vec<Change>,
    /// The starts that still reach the disk: a killed process no longer does.
    generation: u64,
    /// Another one after each power cut.
    boot: u64,
    full: bool,
    panics: bool,
    refuses_flushes: bool,
    folds: Folds,
}

/// What folds can do.
#[derive(Debug, Default)]
struct Folds {
    refused: bool,
    /// So often a fold may create and flush its file. `None` without a limit.
    most_steps: Option<usize>,
    /// So often the last fold has.
    steps: usize,
    /// True while one waits because it may not go on.
    is_held: bool,
    /// The length below which a log is not folded, if it is another one than that of real disks.
    least: Option<u64>,
}

/// Files by their number, and the two names.
#[derive(Clone, Debug, Default)]
struct Contents {
    files: Vec<Vec<u8>>,
    log: Option<usize>,
    next: Option<usize>,
}

#[derive(Clone, Debug)]
enum Change {
    /// A new file takes the name of the next log.
    Create(usize),
    /// This file takes the name of the log.
    Replace(usize),
    Length(usize, usize),
    Write(usize, usize, Vec<u8>),
}

impl Change {
    fn apply(&self, contents: &mut Contents) {
        match self {
            Self::Create(file) => {
                contents.files.resize(contents.files.len().max(file + 1), Vec::new());
                contents.next = Some(*file);
            }
            Self::Replace(file) => {
                contents.files.resize(contents.files.len().max(file + 1), Vec::new());
                contents.log = Some(*file);
                contents.next = None;
            }
            Self::Length(file, length) => {
                contents.files.resize(contents.files.len().max(file + 1), Vec::new());
                contents.files[*file].resize(*length, 0);
            }
            Self::Write(file, at, data) => {
                contents.files.resize(contents.files.len().max(file + 1), Vec::new());
                let bytes = &mut contents.files[*file];
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..*at + data.len()].copy_from_slice(data);
            }
        }
    }

    fn is_of(&self, synced: Option<usize>) -> bool {
        match self {
            Self::Create(_) | Self::Replace(_) => synced.is_none(),
            Self::Length(file, _) | Self::Write(file, ..) => synced == Some(*file),
        }
    }
}

/// The rest that a power cut leaves of a change that was not flushed.
#[derive(Clone, Copy, Debug)]
pub enum Survival {
    /// All of it.
    Whole,
    /// The first bytes of a write.
    Torn(usize),
    /// Nothing.
    Lost,
}

impl TestDisk {
    /// A disk whose log holds these bytes.
    pub fn holding(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        let contents = Contents { files: vec![bytes], log: Some(0), next: None };
        disk.0.inner.lock().durable = contents.clone();
        disk.0.inner.lock().written = contents;
        disk
    }

    /// The log, as programs see it.
    pub fn bytes(&self) -> Vec<u8> {
        let inner = self.0.inner.lock();
        inner.written.log.map(|file| inner.written.files[file].clone()).unwrap_or_default()
    }

    /// The log, as it would be after a power cut now.
    pub fn durable_bytes(&self) -> Vec<u8> {
        let inner = self.0.inner.lock();
        inner.durable.log.map(|file| inner.durable.files[file].clone()).unwrap_or_default()
    }

    /// The length of the log, as programs see it.
    pub fn length(&self) -> usize {
        let inner = self.0.inner.lock();
        inner.written.log.map_or(0, |file| inner.written.files[file].len())
    }

    /// From now on nothing more fits, or it does again.
    pub fn set_full(&self, full: bool) {
        self.0.inner.lock().full = full;
    }

    /// From now on writing panics, or it does no longer.
    pub fn set_panics(&self, panics: bool) {
        self.0.inner.lock().panics = panics;
    }

    /// From now on flushes fail, or they work again.
    pub fn set_refuses_flushes(&self, refuses: bool) {
        self.0.inner.lock().refuses_flushes = refuses;
    }

    /// From now on no fold can begin, or they work again.
    pub fn set_refuses_folds(&self, refuses: bool) {
        self.0.inner.lock().folds.refused = refuses;
    }

    /// From now on each fold waits once it has created and flushed its file so often. `None` lets it go on.
    pub fn set_most_fold_steps(&self, steps: Option<usize>) {
        let mut inner = self.0.inner.lock();
        inner.folds.most_steps = steps;
        inner.folds.is_held = false;
        self.0.resumed.notify_one();
    }

    /// True while a fold waits because it may not go on.
    pub fn is_fold_held(&self) -> bool {
        self.0.inner.lock().folds.is_held
    }

    /// From the next start on, a log of so many bytes is folded.
    pub fn set_least_fold(&self, bytes: u64) {
        self.0.inner.lock().folds.least = Some(bytes);
    }

    /// The bytes that a fold has written by now.
    pub fn next_length(&self) -> usize {
        let inner = self.0.inner.lock();
        inner.written.next.map_or(0, |file| inner.written.files[file].len())
    }

    /// Until this is dropped, whoever uses the disk waits.
    pub fn hold(&self) -> impl Drop + '_ {
        self.0.inner.lock()
    }

    /// The number of changes that were not flushed yet.
    pub fn unsynced(&self) -> usize {
        self.0.inner.lock().unsynced.len()
    }

    /// The process is killed: what it wrote stays, and it writes no more.
    pub fn kill(&self) {
        self.0.inner.lock().generation += 1;
        self.0.resumed.notify_one();
    }

    /// The power fails: of what was not flushed, only the first `kept` changes stay.
    pub fn cut_power(&self, kept: usize) {
        let mut left = kept;
        self.cut_power_with(|| {
            let survival = if left > 0 { Survival::Whole } else { Survival::Lost };
            left = left.saturating_sub(1);
            survival
        });
    }

    /// The power fails, and `survival` decides on each change that was not flushed.
    pub fn cut_power_with(&self, mut survival: impl FnMut() -> Survival) {
        let mut inner = self.0.inner.lock();
        inner.generation += 1;
        inner.boot += 1;
        for mut change in std::mem::take(&mut inner.unsynced) {
            match (survival(), &mut change) {
                (Survival::Lost, _) => continue,
                (Survival::Torn(length), Change::Write(_, _, data)) => data.truncate(length),
                _ => {}
            }
            change.apply(&mut inner.durable);
        }
        let Inner { written, durable, .. } = &mut *inner;
        written.clone_from(durable);
        self.0.resumed.notify_one();
    }

    fn folder(&self) -> TestFolder {
        TestFolder { generation: self.0.inner.lock().generation, disk: self.clone() }
    }
}

/// A log of one record, which is whole whatever its rows are.
///
/// # Panics
///
/// If the rows have more than 4 GB.
pub fn log_of(rows: &[u8]) -> Vec<u8> {
    log::of(rows).unwrap()
}

impl LocalStore {
    /// A store over a disk, which a later start may find again. Every change is flushed before it is answered.
    ///
    /// # Errors
    ///
    /// If the disk holds no store, or is full.
    pub fn open_on(
        disk: &TestDisk,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, OpenError> {
        Self::open_with(disk, SyncPolicy::Always, settings, clock, publisher)
    }

    /// A store over a disk that is flushed by a policy.
    ///
    /// # Errors
    ///
    /// If the disk holds no store, or is full.
    pub fn open_with(
        disk: &TestDisk,
        policy: SyncPolicy,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, OpenError> {
        let path = Path::new("a test's own");
        Self::open_folder(path, Box::new(disk.folder()), policy, settings, clock, publisher, Box::new(|_| ()))
    }
}

impl LocalStore {
    /// Folds the log, unless a fold is under way, and waits until none is.
    pub fn fold(&self) {
        if let Some(journal) = &self.journal {
            journal.fold_now();
        }
    }
}
