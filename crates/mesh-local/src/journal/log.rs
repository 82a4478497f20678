//! The format of the log: a title, then records. A record is one write, with a checksum.
//!
//! ```text
//! record = mark (4 bytes) | length of the rows (u32) | durable (u64) | CRC-32 (u32) | rows
//! ```
//!
//! Numbers are little-endian. `durable` is the length of the log that had reached the disk when the record was
//! written. A power cut can only harm what lies behind it, so an unreadable record before it is damage, and
//! one behind it is a torn tail. The checksum covers everything but the mark and itself.

use std::io::{self, Read};
use std::sync::Arc;

use mesh_core::error::StoreFailure;

use crate::folder::LogFile;
use crate::rows::Row;

/// The first bytes of a log. The digits are raised whenever rows are written in another way.
const TITLE: &[u8; 16] = b"mesh store 0003\n";
const MARK: &[u8; 4] = b"\x1eMsh";
const HEADER_BYTES: usize = 20;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("it is a file of another program")]
    Foreign,
    #[error("it was written by another version of this program")]
    Version,
    #[error("it is damaged at byte {0}")]
    Damaged(u64),
}

/// The readable part of a log.
pub(crate) struct ReadLog {
    /// Bytes up to the torn tail.
    pub(crate) length: u64,
    /// Bytes of the torn tail.
    pub(crate) torn: u64,
}

/// Reads a log, and hands its rows to `take`.
///
/// # Errors
///
/// If it is no log, or damaged before its tail.
pub(crate) fn read(bytes: &[u8], mut take: impl FnMut(Row)) -> Result<ReadLog, LogError> {
    if bytes.get(..TITLE.len()) != Some(&TITLE[..]) {
        let is_version = bytes.starts_with(&TITLE[..11]);
        return Err(if is_version { LogError::Version } else { LogError::Foreign });
    }
    let mut at = TITLE.len();
    while let Some(record) = Record::at(bytes, at) {
        let mut rows = record.rows;
        while !rows.is_empty() {
            let (row, rest) = postcard::take_from_bytes(rows).map_err(|_| LogError::Damaged(at as u64))?;
            take(row);
            rows = rest;
        }
        at = record.end;
    }
    if later_records(bytes, at).any(|record| record.durable > at as u64) {
        return Err(LogError::Damaged(at as u64));
    }
    Ok(ReadLog { length: at as u64, torn: (bytes.len() - at) as u64 })
}

struct Record<'a> {
    durable: u64,
    rows: &'a [u8],
    end: usize,
}

impl<'a> Record<'a> {
    /// The record at a place. `None` if there is none, or its checksum is wrong.
    fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let start = at + HEADER_BYTES;
        let header = Header::of(bytes.get(at..start)?)?;
        let end = start.checked_add(header.length as usize)?;
        let rows = bytes.get(start..end)?;
        header.is_of(rows).then_some(Self { durable: header.durable, rows, end })
    }
}

/// The bytes before the rows of a record.
struct Header<'a> {
    length: u32,
    durable: u64,
    sum: u32,
    /// The bytes that the checksum covers.
    covered: &'a [u8],
}

impl<'a> Header<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.try_into().ok()?;
        let (mark, length, durable, sum) = (&bytes[..4], &bytes[4..8], &bytes[8..16], &bytes[16..]);
        let header = Self {
            length: u32::from_le_bytes(length.try_into().ok()?),
            durable: u64::from_le_bytes(durable.try_into().ok()?),
            sum: u32::from_le_bytes(sum.try_into().ok()?),
            covered: &bytes[4..16],
        };
        (mark == MARK).then_some(header)
    }

    fn is_of(&self, rows: &[u8]) -> bool {
        self.sum == checksum(self.covered, rows)
    }
}

/// The readable records behind a place where none begins.
fn later_records(bytes: &[u8], at: usize) -> impl Iterator<Item = Record<'_>> {
    let rest = bytes.get(at..).unwrap_or_default();
    let marks = rest.windows(MARK.len()).enumerate().filter(|(_, window)| window == MARK);
    marks.filter_map(move |(offset, _)| Record::at(bytes, at + offset))
}

fn checksum(header: &[u8], rows: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(rows);
    hasher.finalize()
}

/// Rows on their way into the log. The first bytes are room for the header, so that one write takes all.
pub(crate) struct RecordBytes(Vec<u8>);

impl Default for RecordBytes {
    fn default() -> Self {
        Self(vec![0; HEADER_BYTES])
    }
}

impl RecordBytes {
    pub(crate) fn of(rows: &[Row]) -> Result<Self, StoreFailure> {
        let mut bytes = Self::default();
        rows.iter().try_for_each(|row| bytes.push(row))?;
        Ok(bytes)
    }

    pub(crate) fn push(&mut self, row: &Row) -> Result<(), StoreFailure> {
        self.0 = postcard::to_extend(row, std::mem::take(&mut self.0))?;
        Ok(())
    }

    /// Adds the rows of the next record of a log. Returns the length of that record.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is damaged.
    pub(crate) fn push_record(&mut self, log: &mut impl Read) -> io::Result<u64> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the log is damaged");
        let mut header = [0; HEADER_BYTES];
        log.read_exact(&mut header)?;
        let header = Header::of(&header).ok_or_else(damaged)?;
        let start = self.0.len();
        // Grows with what is there, not with what a damaged header says.
        log.take(header.length.into()).read_to_end(&mut self.0)?;
        if !header.is_of(&self.0[start..]) {
            return Err(damaged());
        }
        Ok((HEADER_BYTES + self.0.len() - start) as u64)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() <= HEADER_BYTES
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.truncate(HEADER_BYTES);
    }

    fn seal(&mut self, durable: u64) -> io::Result<&[u8]> {
        let (header, rows) = self.0.split_at_mut(HEADER_BYTES);
        let length = u32::try_from(rows.len()).map_err(io::Error::other)?;
        header[..4].copy_from_slice(MARK);
        header[4..8].copy_from_slice(&length.to_le_bytes());
        header[8..16].copy_from_slice(&durable.to_le_bytes());
        let sum = checksum(&header[4..16], rows);
        header[16..].copy_from_slice(&sum.to_le_bytes());
        Ok(&self.0)
    }
}

/// The bytes of a log with one record.
///
/// # Errors
///
/// If the record is too long.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn of(rows: &[u8]) -> io::Result<Vec<u8>> {
    let mut record = RecordBytes([&[0; HEADER_BYTES], rows].concat());
    Ok([TITLE, record.seal(0)?].concat())
}

/// A log that is open for writing.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) file: Arc<dyn LogFile>,
    /// Bytes of whole records.
    pub(crate) length: u64,
    /// Bytes that have reached the disk.
    pub(crate) durable: u64,
}

impl Log {
    /// A log that was read.
    pub(crate) fn resumed(file: Arc<dyn LogFile>, length: u64) -> Self {
        Self { file, length, durable: 0 }
    }

    /// Begins a new log.
    ///
    /// # Errors
    ///
    /// If its title cannot be written.
    pub(crate) fn begin(file: Arc<dyn LogFile>) -> io::Result<Self> {
        file.append(TITLE)?;
        Ok(Self { file, length: TITLE.len() as u64, durable: 0 })
    }

    /// Writes a record.
    ///
    /// # Errors
    ///
    /// If it was not written whole. The log then ends with a part of it, until it is cut to its length.
    pub(crate) fn append(&mut self, record: &mut RecordBytes) -> io::Result<()> {
        if !record.is_empty() {
            self.file.append(record.seal(self.durable)?)?;
            self.length += record.len() as u64;
        }
        Ok(())
    }

    /// Makes everything survive a power cut.
    ///
    /// # Errors
    ///
    /// If the disk does not take it.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.durable = self.length;
        Ok(())
    }
}
