//! The files of the journal: one log, and the next one while it is being written.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::OpenError;
use crate::private_file;

/// The time limit for another process to release the lock, and the interval of tries.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
const RELEASE_POLL: Duration = Duration::from_millis(50);
/// The bytes that one system call reads of a log.
const READ_AT_ONCE: usize = 64 << 10;

/// A log of less bytes is read in a moment.
pub(crate) const LEAST_FOLD: u64 = 8 << 20;

/// The place of the log. Tests have one in memory.
pub(crate) trait Folder: Send + Sync + 'static {
    /// All bytes of the log. `None` if there is no log yet.
    fn read(&self) -> io::Result<Option<Vec<u8>>>;

    /// Reads the log from a place on. What is appended later can be read, too.
    fn read_from(&self, at: u64) -> io::Result<Box<dyn Read>>;

    /// Opens the log, and cuts it to `length`.
    fn open(&self, length: u64) -> io::Result<Arc<dyn LogFile>>;

    /// Creates the next log, empty.
    fn create_next(&self) -> io::Result<Arc<dyn LogFile>>;

    /// Puts the next log in the place of the log.
    fn replace(&self) -> io::Result<()>;

    /// Makes [`Folder::replace`] survive a power cut.
    fn sync(&self) -> io::Result<()>;

    /// The length below which the log is not folded.
    fn least_fold(&self) -> u64 {
        LEAST_FOLD
    }

    /// A text that is another one after each start of the machine. `None` if the system does not tell.
    fn boot_id(&self) -> Option<String>;
}

/// A file that grows at its end.
pub(crate) trait LogFile: Send + Sync {
    /// Puts bytes at the end, into the hands of the kernel.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Makes all appended bytes survive a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// True if a process has the store open whose log is the file `path`.
pub fn is_in_use(path: &Path) -> bool {
    let locked = File::open(path.with_extension("lock")).map(|file| file.try_lock());
    matches!(locked, Ok(Err(TryLockError::WouldBlock)))
}

/// A folder on disk. It stays locked until this is dropped.
pub(crate) struct DiskFolder {
    path: PathBuf,
    _lock: File,
}

impl DiskFolder {
    /// Locks the folder of the log `path`, and creates the folder if needed.
    ///
    /// # Errors
    ///
    /// If another process has the store open, if the store was written by an older version, or if the
    /// folder cannot be used.
    pub(crate) fn lock(path: &Path) -> Result<Self, OpenError> {
        let unusable = |error: io::Error| OpenError::unusable(path, &error);
        let older = path.with_extension("redb");
        if older.exists() {
            return Err(OpenError::Older(older));
        }
        let lock_path = path.with_extension("lock");
        private_file::create(&lock_path).map_err(unusable)?;
        let lock = File::open(&lock_path).map_err(unusable)?;
        let deadline = Instant::now() + RELEASE_TIMEOUT;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: path.into(), _lock: lock }),
                // A killed server may still be ending.
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(RELEASE_POLL);
                }
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.into())),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
    }

    fn next_path(&self) -> PathBuf {
        self.path.with_extension("next")
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    private_file::create(path)?;
    OpenOptions::new().append(true).open(path)
}

impl Folder for DiskFolder {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_from(&self, at: u64) -> io::Result<Box<dyn Read>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(at))?;
        Ok(Box::new(BufReader::with_capacity(READ_AT_ONCE, file)))
    }

    fn open(&self, length: u64) -> io::Result<Arc<dyn LogFile>> {
        let file = append_to(&self.path)?;
        file.set_len(length)?;
        Ok(Arc::new(file))
    }

    fn create_next(&self) -> io::Result<Arc<dyn LogFile>> {
        let file = append_to(&self.next_path())?;
        file.set_len(0)?;
        Ok(Arc::new(file))
    }

    fn replace(&self) -> io::Result<()> {
        std::fs::rename(self.next_path(), &self.path)
    }

    fn sync(&self) -> io::Result<()> {
        // Only Unix can open a folder as a file. Other systems keep names by themselves.
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn boot_id(&self) -> Option<String> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(text.trim().to_owned())
    }
}

impl LogFile for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
