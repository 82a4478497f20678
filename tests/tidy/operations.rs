//! Every operation is everywhere that the checklist of `docs/development.md` says.

use std::fs;

use super::project;

/// AppSync answers it by itself, so no operation serves it.
const INTERNAL: &str = "publishEventsByNode";

/// A field that another one's operation serves.
const ALIAS: (&str, &str) = ("reportDataByNode", "reportStatus");

/// The fields of `Query` and `Mutation` that operations serve.
fn fields() -> Vec<String> {
    let schema = fs::read_to_string(project().join("schema.graphql")).unwrap();
    let of_type = |name: &str| {
        let (_, body) = schema.split_once(&format!("type {name} {{\n")).unwrap();
        let (body, _) = body.split_once("\n}").unwrap();
        let lines = body.lines().map(str::trim).filter(|line| !line.starts_with('"'));
        lines.filter_map(|line| line.split(['(', ':']).next()).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let fields = ["Query", "Mutation"].into_iter().flat_map(of_type);
    fields.filter(|field| field != INTERNAL).collect()
}

/// One line of the checklist.
struct Step {
    line: String,
    path: String,
    text: String,
}

/// The checklist: a table whose first two cells are a path and what must stand in the file.
fn checklist() -> Vec<Step> {
    let page = fs::read_to_string(project().join("docs/development.md")).unwrap();
    let (_, list) = page.split_once("\n## A new operation\n").unwrap();
    let (list, _) = list.split_once("\n## ").unwrap();
    let rows = list.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let mut cells = line.split('`').skip(1).step_by(2).map(ToOwned::to_owned);
        Step { line: line.to_owned(), path: cells.next().unwrap(), text: cells.next().unwrap() }
    })
    .collect()
}

/// Writes a field's name with a separator before each capital.
fn separated(name: &str, separator: char) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            text.push(separator);
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Fills in a field and its operation's name, in each of its forms.
fn fill(pattern: &str, field: &str) -> String {
    let operation = if field == ALIAS.0 { ALIAS.1 } else { field };
    let pascal = format!("{}{}", operation[..1].to_uppercase(), &operation[1..]);
    pattern
        .replace("{field}", field)
        .replace("{Operation}", &pascal)
        .replace("{op_eration}", &separated(operation, '_'))
        .replace("{op-eration}", &separated(operation, '-'))
}

#[test]
fn every_operation_is_everywhere() {
    let steps = checklist();
    assert!(steps.len() >= 12, "the checklist has {} lines", steps.len());
    let mut forgotten = Vec::new();
    for field in fields() {
        for Step { line, path, text } in &steps {
            let (path, text) = (fill(path, &field), fill(text, &field));
            let file = fs::read_to_string(project().join(&path)).unwrap_or_default();
            if !file.contains(&text) {
                forgotten.push(format!("{field}: {path} has no `{text}`\n    {line}"));
            }
        }
    }
    assert!(forgotten.is_empty(), "docs/development.md, \"A new operation\":\n{}", forgotten.join("\n"));
}
