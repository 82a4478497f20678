//! Files that only their owner may read: keys, secrets and what children shared.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// Makes the file if it is not there, and the folders above it. An existing file stays as it is.
///
/// # Errors
///
/// The file system's failure.
pub fn create(path: &Path) -> io::Result<()> {
    create_folder_of(path)?;
    open_options().create(true).truncate(false).open(path).map(drop)
}

/// Reads the file, or writes into it the text that `make` returns.
///
/// # Errors
///
/// The file system's failure, or that of `make`.
pub fn read_or_make(path: &Path, make: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    match File::open(path) {
        Ok(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text.trim().to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = make()?;
            write(path, &text)?;
            Ok(text)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file that is not there yet; whoever reads it meanwhile finds all of it or nothing.
///
/// # Errors
///
/// The file system's failure; an older file is then still whole.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    create_folder_of(path)?;
    let unfinished = path.with_extension("new");
    let mut file = open_options().create(true).truncate(true).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)
}

fn create_folder_of(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    path.parent().map_or(Ok(()), |folder| builder.create(folder))
}

fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
