//! Every test that `docs/reliability.md` names is there.

use std::fs;

use super::project;

/// The tests that the page names: their file and their function.
fn named() -> Vec<(String, String)> {
    let page = fs::read_to_string(project().join("docs/reliability.md")).unwrap();
    let quoted = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let tests = quoted.filter_map(|text| text.split_once(".rs::"));
    tests.map(|(path, name)| (format!("{path}.rs"), name.to_owned())).collect()
}

/// Whether the file has that function as a test, or as a case of a suite that stores run.
fn has_test(file: &str, name: &str) -> bool {
    let lines: Vec<_> = file.lines().map(str::trim).collect();
    let opens = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(['(', '<']))
    };
    let Some(at) = lines.iter().position(|line| opens(line)) else { return false };
    let mut attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
    let is_test = attributes.any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"));
    // A case is listed by its name alone, in `cases!`.
    let is_case = file.contains("cases!(") && lines.contains(&&*format!("{name},"));
    is_test || is_case
}

#[test]
fn every_named_test_is_there() {
    let named = named();
    assert!(named.len() >= 40, "the page names {} tests", named.len());
    let missing = named.iter().filter(|(path, name)| {
        let file = fs::read_to_string(project().join(path)).unwrap_or_default();
        !has_test(&file, name)
    });
    let missing: Vec<_> = missing.map(|(path, name)| format!("{path} has no test `{name}`")).collect();
    assert!(missing.is_empty(), "docs/reliability.md:\n{}", missing.join("\n"));
}

#[test]
fn what_only_looks_like_a_test_is_none() {
    assert!(has_test("#[tokio::test(start_paused = true)]\nasync fn a() {", "a"));
    assert!(has_test("cases!(\n    make,\n    a,\n);\nasync fn a<S: Store>(room: Harness<S>) {", "a"));
    for file in
        ["fn a() {", "#[test]\nfn ab() {", "#[test]\nfn b() {}\nfn a() {", "// a\n", "    a,\nfn a() {"]
    {
        assert!(!has_test(file, "a"), "{file}");
    }
}
