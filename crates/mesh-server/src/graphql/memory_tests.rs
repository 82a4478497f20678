//! Documents that are kept take no more memory than counts, and an answer takes little more than it may have: each test
//! measures a process of its own.

use mesh_local::resident::{in_own_process, most_resident_bytes, resident_bytes};

use super::answer::MAX_DATA_BYTES;
use super::engine::Engine;
use super::request::{Request, Variables};
use super::tests::Home;

/// The most bytes of documents.
const MOST: usize = 4 << 20;
/// What is parsed takes memory, too.
const BESIDE: usize = 3 << 20;

/// Asks with as many documents as fit, each another one of its kind.
fn measured(name: &str, document: impl Fn(usize) -> String) {
    in_own_process(&format!("graphql::memory_tests::{name}"), || {
        let engine = Engine::keeping(MOST).unwrap();
        let before = resident_bytes();
        // It is full once many in a row do not make it fuller.
        let (mut most, mut since) = (0, 0);
        for number in 0.. {
            let request = Request {
                query: document(number).into(),
                variables: Variables::default(),
                operation_name: None,
                document: None,
            };
            engine.prepare(&request, None).map(drop).unwrap();
            since = if engine.document_bytes() > most { 0 } else { since + 1 };
            most = most.max(engine.document_bytes());
            if since == 20 {
                break;
            }
        }
        let (counted, taken) = (engine.document_bytes(), resident_bytes() - before);
        println!("{counted} count, {taken} are taken: {}%", taken * 100 / counted);
        assert!(counted > MOST / 10 * 4 && counted <= MOST, "{counted}");
        assert!(taken <= counted / 10 * 13 + BESIDE, "{counted} count, {taken} are taken");
    });
}

fn query(number: usize, fields: &str) -> String {
    format!("query q{number} {{ listGroupsByDomain(domain: \"d\") {{ {fields} }} }}")
}

#[test]
fn small_documents_count_what_they_take() {
    measured("small_documents_count_what_they_take", |number| query(number, "id name"));
}

#[test]
fn many_fields_count_what_they_take() {
    measured("many_fields_count_what_they_take", |number| query(number, &"id ".repeat(500)));
}

#[test]
fn fragments_count_what_they_take() {
    measured("fragments_count_what_they_take", |number| query(number, &"...{id}".repeat(50)));
}

#[test]
fn aliases_count_what_they_take() {
    measured("aliases_count_what_they_take", |number| {
        let fields = (0..40).fold(String::new(), |fields, alias| fields + &format!("a{alias}: name "));
        query(number, &fields)
    });
}

#[test]
fn literals_count_what_they_take() {
    measured("literals_count_what_they_take", |number| {
        let items = "{key: \"k\", value: \"v\"}".repeat(25);
        let arguments = format!("groupId: \"g\", domain: \"d\", nodeId: \"n\", data: [{items}]");
        format!("mutation q{number} {{ reportDataByNode({arguments}) {{ groupId }} }}")
    });
}

/// Each byte of the event becomes six, and each alias shows it once more: eleven megabytes, if nothing ended it.
#[test]
fn the_largest_answer_takes_less_than_three_times_its_limit() {
    in_own_process("graphql::memory_tests::the_largest_answer_takes_less_than_three_times_its_limit", || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let taken = runtime.block_on(async {
            let home = Home::new();
            home.query(r#"mutation { createGroup(name: "n", hostId: "h", domain: "d") { id } }"#).await;
            let group = home.room.groups("d").await[0].key();
            home.room.record_names(&group, "h", &[&"\u{1}".repeat(38_000)]).await.unwrap();
            let aliases =
                (0..50).fold(String::new(), |aliases, number| aliases + &format!("a{number}: name "));
            let query = format!(
                r#"{{ getEventsSince(groupId: "{}", domain: "d", since: "") {{ {aliases} }} }}"#,
                group.id
            );
            let before = most_resident_bytes();
            let answer = home.query(&query).await;
            assert_eq!(answer["errors"][0]["errorType"], "ValidationError");
            most_resident_bytes() - before
        });
        println!("{taken} bytes were taken");
        assert!((MAX_DATA_BYTES / 2..3 * MAX_DATA_BYTES).contains(&taken), "{taken}");
    });
}
