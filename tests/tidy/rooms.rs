//! The map of `docs/architecture.md` names the folders that there are, and every file of Rust opens with what it
//! is about.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::project;

/// Folders that commands make; none of them is in the repository.
const MADE: [&str; 6] = ["artefacts", "dist", "mesh-data", "node_modules", "target", "__pycache__"];

/// Folders whose own folders are rooms, too.
const WITH_ROOMS: [&str; 6] = ["clients/", "crates/", "docs/", "examples/", "packaging/", "tests/"];

/// What is in a folder, without what is hidden or made: names relative to the project, folders with a slash.
fn inside(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(project().join(folder)).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        let slash = if entry.file_type().unwrap().is_dir() { "/" } else { "" };
        (name.clone(), format!("{folder}{name}{slash}"))
    });
    let kept = named.filter(|(name, _)| !name.starts_with('.') && !MADE.contains(&name.as_str()));
    kept.map(|(_, path)| path).collect()
}

fn folders_inside(folder: &str) -> Vec<String> {
    inside(folder).into_iter().filter(|path| path.ends_with('/')).collect()
}

/// The rooms of the project: folders at its root, those inside some of them, and those of each crate's sources.
fn rooms() -> BTreeSet<String> {
    let mut rooms: BTreeSet<_> = folders_inside("").into_iter().collect();
    rooms.extend(WITH_ROOMS.iter().flat_map(|folder| folders_inside(folder)));
    let crates = folders_inside("crates/").into_iter().map(|folder| format!("{folder}src/"));
    rooms.extend(
        crates
            .filter(|sources| project().join(sources).is_dir())
            .flat_map(|sources| folders_inside(&sources)),
    );
    rooms
}

/// What the map names: the first cells of its tables that are folders.
fn named() -> BTreeSet<String> {
    let page = fs::read_to_string(project().join("docs/architecture.md")).unwrap();
    let (_, map) = page.split_once("\n## Rooms\n").unwrap();
    let (map, _) = map.split_once("\n## ").unwrap();
    let first_cells = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    first_cells.filter(|cell| cell.ends_with('/')).map(ToOwned::to_owned).collect()
}

#[test]
fn the_map_names_every_room_and_no_other() {
    let (rooms, named) = (rooms(), named());
    let missing: Vec<_> = rooms.difference(&named).collect();
    assert_eq!(missing, [""; 0], "not in the tables of docs/architecture.md, \"Rooms\"");
    let gone: Vec<_> = named.difference(&rooms).collect();
    assert_eq!(
        gone, [""; 0],
        "in the tables of docs/architecture.md, \"Rooms\", but there is no such folder"
    );
}

/// Calls `look` with each file of Rust below a folder.
fn each_rust_file(folder: &str, look: &mut impl FnMut(&str)) {
    for path in inside(folder) {
        if path.ends_with('/') {
            each_rust_file(&path, look);
        } else if Path::new(&path).extension().is_some_and(|extension| extension == "rs") {
            look(&path);
        }
    }
}

#[test]
fn every_rust_file_opens_with_what_it_is_about() {
    let mut files = 0;
    let mut silent = Vec::new();
    each_rust_file("", &mut |path| {
        files += 1;
        let text = fs::read_to_string(project().join(path)).unwrap();
        if !text.starts_with("//! ") {
            silent.push(path.to_owned());
        }
    });
    assert!(files > 100, "only {files} files were found");
    assert_eq!(silent, [""; 0], "these begin without a module comment, //!");
}
