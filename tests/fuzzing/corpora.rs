//! Every file of `fuzz/corpus/` goes through its target.

#![allow(clippy::unwrap_used, reason = "a test stops where something is amiss")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mesh_fuzzing::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names_in(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn replay(name: &str) {
    let (_, check) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let files = fs::read_dir(fuzz().join("corpus").join(name)).unwrap();
    for file in files.map(|file| file.unwrap().path()) {
        println!("{}", file.display());
        check(&fs::read(file).unwrap());
    }
}

#[test]
fn every_target_has_a_binary_and_a_corpus() {
    let targets = TARGETS.map(|(name, _)| name.to_owned()).into();
    assert_eq!(names_in("fuzz_targets"), targets);
    assert_eq!(names_in("corpus"), targets);
}

#[test]
fn client_messages() {
    replay("client_messages");
}

#[test]
fn cursors() {
    replay("cursors");
}

#[test]
fn dates() {
    replay("dates");
}

#[test]
fn graphql() {
    replay("graphql");
}

#[test]
fn journal() {
    replay("journal");
}

#[test]
fn lambda_events() {
    replay("lambda_events");
}

#[test]
fn sockets() {
    replay("sockets");
}

#[test]
fn surrogates() {
    replay("surrogates");
}
