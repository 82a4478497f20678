//! A disk whose flush takes 100 ms more: a library in C that a server preloads. Linux only.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ratios/slow_flush.c");

/// Lets a server have such a disk.
pub(crate) fn preload(server: &mut Command) {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    server.env("LD_PRELOAD", LIBRARY.get_or_init(compile));
}

fn compile() -> PathBuf {
    let library = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/slow_flush.so"));
    let compiled = Command::new("cc").args(["-shared", "-fPIC", SOURCE, "-o"]).arg(&library).status();
    let is_compiled = compiled.is_ok_and(|status| status.success());
    assert!(is_compiled, "cc is needed to slow the disk down: install a C compiler");
    library
}
