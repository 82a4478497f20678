//! The server that runs already, for a second start over the same data.

use std::path::Path;

use mesh_local::private_file;

/// Holds the address by which this machine reaches the server, as `http://127.0.0.1:4000`.
const FILE: &str = "address";

/// Keeps where the server runs. A start that finds the data in use reads it.
pub(super) fn keep(folder: &Path, address: &str) {
    // Without it, a second start says less.
    let _ = private_file::write(&folder.join(FILE), address);
}

/// Returns the address of the server that uses this data.
pub(super) fn find(folder: &Path) -> Option<String> {
    let address = std::fs::read_to_string(folder.join(FILE)).ok()?;
    Some(address.trim().to_owned())
}
