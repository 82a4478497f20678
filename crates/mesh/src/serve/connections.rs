//! How many connections may be open: what is asked for, and what the system lets the process open.

use mesh_server::limits::connections::ConnectionLimits;

use super::arguments::NetworkArguments;

/// The most connections where nobody says how many: their memory stays far below that of a small server.
const MOST: usize = 50_000;
/// From one machine of a local network: what a program has, five hundred times.
const FROM_A_MACHINE: usize = 1_000;
/// Descriptors that are kept for files, listeners and connections that are refused in words.
const RESERVED: usize = 512;

/// Lets the process open as many files as the system allows it. Without that, a classroom of a few hundred
/// sockets may already be too many.
pub(super) fn raise_descriptor_limit() {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}

/// The number of connections that this process may have open; `usize::MAX` where there is no limit.
pub(crate) fn possible_connections() -> usize {
    raise_descriptor_limit();
    possible(descriptors())
}

/// The limits that were asked for, or that fit this process.
pub(super) fn limits(network: &NetworkArguments) -> ConnectionLimits {
    let possible = possible(descriptors());
    if let Some(asked) = network.max_connections
        && asked > possible
    {
        tracing::warn!(
            asked,
            possible,
            "--max-connections asks for more than this process may open: raise its limit of open files (ulimit -n)"
        );
    }
    let total = network.max_connections.unwrap_or(possible.min(MOST));
    if network.trust_proxy > 0 {
        // All connections come from the proxies.
        return ConnectionLimits::total(total);
    }
    let asked = network.max_connections_per_address;
    ConnectionLimits {
        total,
        per_address: Some(asked.unwrap_or(FROM_A_MACHINE)),
        per_public_address: Some(asked.unwrap_or(total.div_ceil(2))),
    }
}

/// The number of connections for which so many descriptors are enough.
fn possible(descriptors: usize) -> usize {
    if descriptors == usize::MAX { usize::MAX } else { descriptors - RESERVED.min(descriptors / 2) }
}

/// The number of files and sockets that this process may have open.
#[cfg(unix)]
fn descriptors() -> usize {
    let (allowed, _) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap_or((u64::MAX, u64::MAX));
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

/// Windows has no such limit for sockets.
#[cfg(not(unix))]
fn descriptors() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_kept_for_files() {
        assert_eq!([1, 256, 1_024, 65_536].map(possible), [1, 128, 512, 65_024]);
    }
}
