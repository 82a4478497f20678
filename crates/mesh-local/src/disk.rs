//! The local store's file: opening it, and going back to it after a failed commit.

use std::fs::TryLockError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mesh_core::clock::Clock;
use mesh_core::error::StoreFailure;
use parking_lot::{Mutex, MutexGuard};
use redb::{Builder, Database, DatabaseError};

use crate::LocalSettings;
use crate::journal::{Journal, Writer};
use crate::rows::Row;
use crate::state::State;
use crate::tables;

/// Told how long each commit took.
pub type CommitObserver = Box<dyn Fn(Duration) + Send>;

/// Memory for pages of the file; everything is in memory already, so the file is hardly read.
const CACHE_BYTES: usize = 16 << 20;

/// How long another process may take to release the file, and how often to look.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
const RELEASE_POLL: Duration = Duration::from_millis(50);

/// The state, shared with the journal's thread.
pub(super) struct Shared(Mutex<Opened>);

pub(super) struct Opened {
    pub(super) state: State,
    /// Set while the state holds changes that were refused.
    pub(super) refuses: bool,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self(Mutex::new(Opened { state, refuses: false }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Opened> {
        self.0.lock()
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the data file {0} is used by another mesh server: stop that one, or choose another --data folder"
    )]
    InUse(PathBuf),
    /// It cannot be read; nothing was deleted.
    #[error(
        "the data file {path} cannot be used: {detail}. Nothing was deleted. To start with an empty store, \
         move the file away or choose another --data folder"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
}

/// Whether a process has the store open that is kept in the file `path`.
pub fn is_in_use(path: &Path) -> bool {
    let locked = std::fs::File::open(path).map(|file| file.try_lock());
    matches!(locked, Ok(Err(TryLockError::WouldBlock)))
}

/// Where the database lives, so that it can be opened again after a failure.
pub(super) struct File {
    path: PathBuf,
    open: Box<dyn Fn() -> Result<Database, DatabaseError> + Send>,
}

impl File {
    /// A file on disk, readable by its owner alone.
    pub(super) fn new(path: &Path) -> Result<Self, OpenError> {
        let created = crate::private_file::create(path);
        created.map_err(|error| OpenError::Unusable { path: path.into(), detail: error.to_string() })?;
        let file = path.to_owned();
        Ok(Self { path: path.into(), open: Box::new(move || builder().create(&file)) })
    }

    /// A file made of a test's own backend.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn of_backend<B: redb::StorageBackend>(backend: impl Fn() -> B + Send + 'static) -> Self {
        let open = Box::new(move || builder().create_with_backend(backend()));
        Self { path: PathBuf::from("a test's own"), open }
    }

    pub(super) fn database(&self) -> Result<Database, OpenError> {
        let deadline = Instant::now() + RELEASE_TIMEOUT;
        loop {
            match (self.open)() {
                Ok(database) => return Ok(database),
                // A server that was killed may still be on its way out.
                Err(DatabaseError::DatabaseAlreadyOpen) if Instant::now() < deadline => {
                    std::thread::sleep(RELEASE_POLL);
                }
                Err(DatabaseError::DatabaseAlreadyOpen) => return Err(OpenError::InUse(self.path.clone())),
                Err(error) => return Err(self.unusable(&error)),
            }
        }
    }

    fn unusable(&self, error: &dyn std::fmt::Display) -> OpenError {
        OpenError::Unusable { path: self.path.clone(), detail: error.to_string() }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    // A torn or altered file is then refused with an error instead of being trusted.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// An open store's journal and its thread.
pub(super) struct Disk {
    pub(super) journal: Arc<Journal>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Disk {
    pub(super) fn open(
        file: File,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        observer: CommitObserver,
    ) -> Result<(Arc<Shared>, Self), OpenError> {
        let (database, state) = catch_unwind(AssertUnwindSafe(|| {
            let database = file.database()?;
            let loaded = tables::load(&database).map_err(|error| file.unusable(&error))?;
            Ok((database, State::load(&settings, clock.now(), loaded)))
        }))
        // The database checks what it reads; should a check be missing, this is still no crash.
        .unwrap_or_else(|_| Err(file.unusable(&"it is damaged")))?;
        let shared = Arc::new(Shared::new(state));
        let writer =
            FileWriter { shared: shared.clone(), database: Some(database), file, settings, clock, observer };
        let journal = Arc::<Journal>::default();
        let run = {
            let journal = journal.clone();
            move || journal.run(writer)
        };
        let thread = std::thread::Builder::new().name("mesh-journal".into()).spawn(run);
        let thread = thread.map_err(|error| OpenError::Unusable {
            path: PathBuf::new(),
            detail: format!("no thread for the journal: {error}"),
        })?;
        Ok((shared, Self { journal, thread: Mutex::new(Some(thread)) }))
    }

    /// Commits what is left and ends the thread.
    pub(super) fn close(&self) {
        self.journal.stop();
        if let Some(thread) = self.thread.lock().take() {
            // A thread that panicked has been reported already.
            let _ = thread.join();
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.close();
    }
}

struct FileWriter {
    shared: Arc<Shared>,
    /// None while it could not be opened again.
    database: Option<Database>,
    file: File,
    settings: LocalSettings,
    clock: Arc<dyn Clock>,
    observer: CommitObserver,
}

impl Writer for FileWriter {
    fn commit(&mut self, rows: Vec<Row>) -> Result<(), StoreFailure> {
        let database = self.database.as_ref().ok_or("the database is closed")?;
        tables::commit(database, rows)
    }

    fn close_store(&mut self) {
        self.shared.lock().refuses = true;
    }

    fn reopen_store(&mut self) -> Result<(), StoreFailure> {
        // A database that failed to write stays closed until it is opened anew.
        self.database = None;
        let database = self.file.database()?;
        let state = State::load(&self.settings, self.clock.now(), tables::load(&database)?);
        self.database = Some(database);
        let mut opened = self.shared.lock();
        let refused = std::mem::replace(&mut opened.state, state);
        opened.state.carry_over(refused);
        opened.refuses = false;
        Ok(())
    }

    fn committed(&self, took: Duration) {
        (self.observer)(took);
    }
}
