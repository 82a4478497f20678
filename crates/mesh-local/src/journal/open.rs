//! Opening a log: reading it, cutting its torn tail, and finding out if a power cut took a part of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mesh_core::clock::Clock;
use tokio::sync::watch;

use super::log::{self, Log, LogError, RecordBytes};
use super::thread::Work;
use super::{Batches, Bounds, CommitObserver, Fold, Journal, Shared, Writing};
use crate::LocalSettings;
use crate::folder::Folder;
use crate::random_epoch;
use crate::rows::{Row, SessionRow};
use crate::state::{Loaded, State};
use crate::sync::Mutex;
use crate::sync_policy::SyncPolicy;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the data file {0} is used by another mesh server: stop that one, or choose another --data folder"
    )]
    InUse(PathBuf),
    /// An older version wrote it.
    #[error(
        "the data file {0} was written by an older version of mesh. It holds groups, which live at most for some \
         minutes, and no keys. Nothing was deleted: move it away, or choose another --data folder"
    )]
    Older(PathBuf),
    /// It cannot be read; nothing was deleted.
    #[error(
        "the data file {path} cannot be used: {detail}. Nothing was deleted. To start with an empty store, \
         move the file away or choose another --data folder"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The reason.
        detail: String,
    },
}

impl OpenError {
    pub(crate) fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Self {
        Self::Unusable { path: path.into(), detail: error.to_string() }
    }
}

/// A log that was read.
pub(super) struct ReadStore {
    pub(super) rows: Loaded,
    /// Bytes up to the torn tail.
    pub(super) length: u64,
    torn: u64,
    /// The epoch to go on with. `None` if changes may be missing that somebody has seen.
    epoch: Option<u32>,
}

/// Reads a log.
///
/// # Errors
///
/// If it is no log, or damaged.
pub(super) fn read(bytes: &[u8], boot_id: Option<&str>) -> Result<ReadStore, LogError> {
    let mut rows = Loaded::default();
    let mut session: Option<SessionRow> = None;
    let mut closed = false;
    let read = log::read(bytes, |row| {
        closed = matches!(row, Row::Closed);
        match row {
            Row::Session(row) => session = Some(row),
            row => rows.apply(row),
        }
    })?;
    // A killed process loses nothing. After a power cut the tail may be missing without a trace.
    let session = session.filter(|session| {
        let same_boot = boot_id.is_some() && session.boot_id.as_deref() == boot_id;
        session.always_synced || closed || (same_boot && read.torn == 0)
    });
    Ok(ReadStore { rows, length: read.length, torn: read.torn, epoch: session.map(|session| session.epoch) })
}

/// Opens the store in a folder, and starts its journal.
///
/// # Errors
///
/// If the folder holds no store that can be read, or cannot be written.
pub(crate) fn open(
    path: &Path,
    folder: Box<dyn Folder>,
    policy: SyncPolicy,
    settings: LocalSettings,
    clock: Arc<dyn Clock>,
    observer: CommitObserver,
) -> Result<(Shared, Arc<Journal>), OpenError> {
    let unusable = |error: &dyn std::fmt::Display| OpenError::unusable(path, error);
    let bytes = folder.read().map_err(|error| unusable(&error))?.filter(|bytes| !bytes.is_empty());
    let boot_id = folder.boot_id();
    let read = bytes.as_ref().map(|bytes| read(bytes, boot_id.as_deref())).transpose();
    let read = read.map_err(|error| unusable(&error))?;
    drop(bytes);
    let kept_epoch = read.as_ref().and_then(|read| read.epoch);
    let epoch = kept_epoch.map_or_else(random_epoch, Ok).map_err(|error| unusable(&error))?;
    let session = SessionRow { epoch, boot_id, always_synced: policy == SyncPolicy::Always };
    let log = match &read {
        Some(read) => resume(&*folder, read),
        None => begin(&*folder),
    };
    let mut log = log.map_err(|error| unusable(&error))?;
    let begun = RecordBytes::of(&[Row::Session(session.clone())]).map_err(|error| unusable(&error))?;
    write_session(&mut log, begun).map_err(|error| unusable(&error))?;
    let rows = read.map(|read| read.rows).unwrap_or_default();
    let shared = Shared::new(State::load(&settings, clock.now(), epoch, rows));
    let writing = Writing {
        // As if it had just doubled.
        bounds: Bounds::of(log.length / 2, folder.least_fold()),
        log,
        fold: Fold::None,
        name_unsynced: false,
        closed: false,
        refused: false,
        failed: None,
    };
    let journal = Arc::new(Journal {
        shared: shared.clone(),
        folder,
        policy,
        settings,
        clock,
        session,
        observer,
        writing: Mutex::new(writing),
        can_write: AtomicBool::new(true),
        flushing: Mutex::default(),
        is_full: watch::Sender::new(false),
        batches: Mutex::<Batches>::default(),
        work: Work::default(),
        folding: Mutex::default(),
    });
    journal.start_thread().map_err(|error| unusable(&error))?;
    Ok((shared, journal))
}

fn resume(folder: &dyn Folder, read: &ReadStore) -> std::io::Result<Log> {
    if read.torn > 0 {
        tracing::warn!(bytes = read.torn, "the last write was torn by a crash; its bytes are cut off");
    }
    if read.epoch.is_none() {
        tracing::warn!(
            "the newest changes may be missing after a power cut; nodes that poll read everything again"
        );
    }
    let mut log = Log::resumed(folder.open(read.length)?, read.length);
    // The first record says that everything before it is on the disk, so damage there is never taken for a torn tail.
    log.sync()?;
    Ok(log)
}

/// A new log appears under its name only when it can be read.
fn begin(folder: &dyn Folder) -> std::io::Result<Log> {
    let mut log = Log::begin(folder.create_next()?)?;
    log.sync()?;
    folder.replace()?;
    folder.sync()?;
    Ok(log)
}

fn write_session(log: &mut Log, mut session: RecordBytes) -> std::io::Result<()> {
    log.append(&mut session)?;
    log.sync()
}
