//! The folder and the files of a disk in memory.

use std::io::{self, Read};
use std::sync::Arc;

use super::{Change, Inner, TestDisk};
use crate::folder::{Folder, LEAST_FOLD, LogFile};

/// The disk as one start of the program sees it.
#[derive(Clone)]
pub(super) struct TestFolder {
    pub(super) disk: TestDisk,
    pub(super) generation: u64,
}

impl TestFolder {
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let mut inner = self.disk.0.inner.lock();
        if inner.generation != self.generation {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        act(&mut inner)
    }

    /// Waits while a fold may not go on.
    fn await_fold_step(&self) {
        let mut inner = self.disk.0.inner.lock();
        while inner.generation == self.generation
            && inner.folds.most_steps.is_some_and(|most| inner.folds.steps >= most)
        {
            inner.folds.is_held = true;
            self.disk.0.resumed.wait(&mut inner);
        }
        inner.folds.steps += 1;
    }

    fn change(inner: &mut Inner, change: Change) {
        change.apply(&mut inner.written);
        inner.unsynced.push(change);
    }

    fn grow(inner: &mut Inner, change: Change) -> io::Result<()> {
        assert!(!inner.panics, "a test's own panic");
        if inner.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Self::change(inner, change);
        Ok(())
    }

    fn flush(&self, file: Option<usize>) -> io::Result<()> {
        self.with(|inner| {
            if inner.refuses_flushes {
                return Err(io::Error::other("the disk is broken"));
            }
            for change in inner.unsynced.extract_if(.., |change| change.is_of(file)) {
                change.apply(&mut inner.durable);
            }
            Ok(())
        })
    }
}

impl Folder for TestFolder {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        self.with(|inner| Ok(inner.written.log.map(|file| inner.written.files[file].clone())))
    }

    fn read_from(&self, at: u64) -> io::Result<Box<dyn Read>> {
        let file = self.with(|inner| inner.written.log.ok_or(io::ErrorKind::NotFound.into()))?;
        let at = usize::try_from(at).unwrap();
        Ok(Box::new(TestReader { file: TestFile { folder: self.clone(), file }, at }))
    }

    fn open(&self, length: u64) -> io::Result<Arc<dyn LogFile>> {
        let file = self.with(|inner| inner.written.log.ok_or(io::ErrorKind::NotFound.into()))?;
        let file = TestFile { folder: self.clone(), file };
        file.truncate(length)?;
        Ok(Arc::new(file))
    }

    fn create_next(&self) -> io::Result<Arc<dyn LogFile>> {
        self.with(|inner| {
            inner.folds.steps = 0;
            Ok(())
        })?;
        self.await_fold_step();
        let file = self.with(|inner| {
            if inner.folds.refused {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            let file = inner.written.files.len().max(inner.durable.files.len());
            Self::grow(inner, Change::Create(file))?;
            Ok(file)
        })?;
        Ok(Arc::new(TestFile { folder: self.clone(), file }))
    }

    fn replace(&self) -> io::Result<()> {
        self.with(|inner| {
            let next = inner.written.next.ok_or(io::ErrorKind::NotFound)?;
            Self::change(inner, Change::Replace(next));
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.flush(None)
    }

    fn least_fold(&self) -> u64 {
        self.disk.0.inner.lock().folds.least.unwrap_or(LEAST_FOLD)
    }

    fn boot_id(&self) -> Option<String> {
        Some(self.disk.0.inner.lock().boot.to_string())
    }
}

struct TestFile {
    folder: TestFolder,
    file: usize,
}

impl LogFile for TestFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.folder.with(|inner| {
            let at = inner.written.files[self.file].len();
            TestFolder::grow(inner, Change::Write(self.file, at, bytes.to_vec()))
        })
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.folder.with(|inner| {
            TestFolder::change(inner, Change::Length(self.file, usize::try_from(length).unwrap()));
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        if self.folder.with(|inner| Ok(inner.written.next == Some(self.file)))? {
            self.folder.await_fold_step();
        }
        self.folder.flush(Some(self.file))
    }
}

struct TestReader {
    file: TestFile,
    at: usize,
}

impl Read for TestReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.folder.with(|inner| {
            let bytes = &inner.written.files[self.file.file];
            let count = (&bytes[self.at.min(bytes.len())..]).read(buffer)?;
            self.at += count;
            Ok(count)
        })
    }
}
