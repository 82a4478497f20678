//! The memory that the server may use: a size in words, and the default for this machine.

use mesh_server::limits::memory::MemoryLimits;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// The units of sizes. Their steps are 1,024.
const UNITS: [(&str, u32); 8] =
    [("gib", 30), ("gb", 30), ("g", 30), ("mib", 20), ("mb", 20), ("m", 20), ("kb", 10), ("b", 0)];

/// Reads a size such as `512MB` or `1.5 GB`.
pub(super) fn memory_limit(text: &str) -> Result<usize, String> {
    let small = text.to_ascii_lowercase();
    let unit = UNITS.into_iter().find_map(|(unit, shift)| Some((small.strip_suffix(unit)?, shift)));
    let number = unit.and_then(|(number, shift)| Some((number.trim().parse::<f64>().ok()?, shift)));
    let Some((number, shift)) = number else {
        return Err("must be a size with its unit, such as 512MB or 2GB".to_owned());
    };
    let bytes = number * f64::from(1_u32 << shift);
    #[allow(clippy::cast_precision_loss, reason = "both bounds are powers of two")]
    let (least, most) = (MemoryLimits::LEAST as f64, (1_u64 << 40) as f64);
    if !(least..=most).contains(&bytes) {
        return Err(format!("must be between {}MB and 1024GB", MemoryLimits::LEAST >> 20));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within its bounds")]
    Ok(bytes as usize)
}

/// Half of what this machine or its container has, and 2 GB at most.
pub(super) fn default_memory_limit() -> usize {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let told = System::new_with_specifics(memory).ok().map(|system| {
        let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
        system.total_memory().min(container)
    });
    // A system that does not tell has enough.
    let there_is = told.filter(|bytes| *bytes > 0).unwrap_or(u64::MAX);
    let half = usize::try_from(there_is / 2).unwrap_or(usize::MAX);
    half.clamp(MemoryLimits::LEAST, MemoryLimits::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes = [("128MB", 128 << 20), ("512 mb", 512 << 20), ("2GB", 2 << 30), ("1.5GiB", 3 << 29)];
        for (text, bytes) in sizes {
            assert_eq!(memory_limit(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "2", "512", "-1GB", "NaNGB", "infGB", "127MB", "1025GB", "GB", "1TB", "2e9"] {
            assert!(memory_limit(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_default_is_within_its_bounds() {
        assert!((MemoryLimits::LEAST..=MemoryLimits::DEFAULT).contains(&default_memory_limit()));
    }
}
