//! What calls and lessons cost: measured, and written into docs/operations.md.
//!
//! `UPDATE_DOCS=1 cargo test -p mesh-lambda --test functions costs` writes the tables anew.

mod lesson;

use std::fmt::Write;
use std::fs;

use mesh_cost::{Consumption, TOKYO};
use serde_json::json;

use crate::{OPERATIONS, project};
use lesson::{Lesson, MINUTES, NODES, Plan, consumption, node, number};

const PAGE: &str = "docs/operations.md";

const QUIET: Plan = Plan { name: "quiet", pollers: 0, reports: 240, batches: 60 };
const PLANS: [Plan; 3] = [
    QUIET,
    Plan { name: "busy", reports: 900, batches: 120, ..QUIET },
    Plan { name: "quiet, WebSockets blocked", pollers: NODES, ..QUIET },
];

/// What the table of units says of a field is what a call of it uses, in a group of forty whose members
/// hold 1 KB each.
#[tokio::test]
async fn calls_use_the_units_of_the_table() {
    let mut class = Lesson::begin(&QUIET).await;
    for number in 0..NODES {
        let data = [json!({ "key": "text", "value": "x".repeat(600) })];
        class.call("reportDataByNode", json!({ "nodeId": node(number), "data": data })).await;
    }
    class.second();
    let data = json!([{ "key": "x", "value": "1" }]);
    let events = json!([{ "eventName": "e", "firedAt": "2026-11-23T09:30:15.123Z" }]);
    let calls = [
        ("createGroup", json!({ "name": "Dogs", "hostId": "another" })),
        ("listGroupsByDomain", json!({})),
        ("searchGroupsByNamePrefix", json!({ "namePrefix": "Cat" })),
        ("joinGroup", json!({ "nodeId": "newcomer" })),
        ("leaveGroup", json!({ "nodeId": "newcomer" })),
        ("renewHeartbeat", json!({ "hostId": node(0) })),
        ("sendMemberHeartbeat", json!({ "nodeId": node(1) })),
        ("reportDataByNode", json!({ "nodeId": node(2), "data": data })),
        ("reportStatus", json!({ "nodeId": node(3), "data": data })),
        ("listGroupStatuses", json!({})),
        ("listNodesInGroup", json!({})),
        ("getNodeStatus", json!({ "nodeId": node(4) })),
        ("fireEventsByNode", json!({ "nodeId": node(1), "events": events })),
        ("recordEventsByNode", json!({ "nodeId": node(1), "events": events })),
        ("getEventsSince", json!({ "since": "" })),
        ("pollGroupData", json!({ "since": "" })),
        ("dissolveGroup", json!({ "hostId": node(0) })),
    ];
    assert_eq!(calls.len() + 1, OPERATIONS.iter().flat_map(|(_, fields)| *fields).count());
    let mut wrong = Vec::new();
    for (field, arguments) in calls {
        if field == "recordEventsByNode" {
            // From now on the group has members that poll, which is written once.
            class.call("pollGroupData", json!({ "since": "" })).await;
        }
        class.take_used();
        class.call(field, arguments).await;
        let (used, table) = (class.take_used(), Consumption::of_calls(field, 1));
        let units = |used: Consumption| (used.read_units, used.write_units);
        if units(used) != units(table) {
            wrong.push((field, units(used)));
        }
    }
    assert!(wrong.is_empty(), "(reads, writes) are not those of the table: {wrong:?}");
}

/// The page has the tables that this program makes.
#[tokio::test]
async fn the_page_says_what_calls_and_lessons_cost() {
    let path = project().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let mut updated = replaced(&page, "calls", &table_of_calls());
    updated = replaced(&updated, "lessons", &table_of_lessons().await);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, updated).unwrap();
    } else {
        assert!(page == updated, "{PAGE} is old: run this test with UPDATE_DOCS=1\n{updated}");
    }
}

/// The page with another table between its marks.
fn replaced(page: &str, name: &str, table: &str) -> String {
    let (before, rest) = page.split_once(&format!("<!-- {name} -->\n")).unwrap();
    let end = format!("<!-- end of {name} -->");
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}<!-- {name} -->\n{table}{end}{after}")
}

fn table_of_calls() -> String {
    let mut table = format!(
        "| operation | read units | write units | $ a million calls, {}, {} |\n| --- | ---: | ---: | ---: |\n",
        TOKYO.region, TOKYO.date
    );
    for field in OPERATIONS.iter().flat_map(|(_, fields)| *fields) {
        let call = Consumption::of_calls(field, 1_000_000);
        let (reads, writes) = (call.read_units / 1e6, call.write_units / 1e6);
        let cost = TOKYO.cost(&call).total();
        writeln!(table, "| {field} | {reads} | {writes} | {cost:.2} |").unwrap();
    }
    table
}

async fn table_of_lessons() -> String {
    let mut table = format!(
        "| lesson of {NODES} programs, {MINUTES} minutes | requests | messages | read units | write units | MB sent | \
         AppSync | Lambda | DynamoDB | logs | transfer | **$ in the cloud** | **$ on a rented machine** | AppSync's own log, where on |\n\
         | --- |{}\n",
        " ---: |".repeat(13)
    );
    for plan in &PLANS {
        let used = consumption(plan).await;
        let cost = TOKYO.cost(&used);
        let megabytes = used.sent_bytes / 1_000_000;
        writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.0} | {megabytes} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | **{:.2}** | **{:.2}** | {:.3} |",
            plan.name,
            used.requests,
            used.messages,
            used.read_units,
            used.write_units,
            cost.requests + cost.messages + cost.connections,
            cost.functions,
            cost.table,
            cost.logs,
            cost.transfer,
            cost.total(),
            TOKYO.machine_hour * number(MINUTES) / 60.0 + cost.transfer,
            TOKYO.api_log(&used),
        )
        .unwrap();
    }
    table
}
