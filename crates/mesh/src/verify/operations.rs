//! Every operation, as clients call it.

use mesh_simulate::client::{CallError, Group, Http};
use serde_json::{Value, json};

use super::Checks;
use super::session::{MESSAGE, Session, call_on, events};

const NODE: &str = "{ id name groupId domain expiresAt heartbeatIntervalSeconds useWebSocket }";
const STATUS: &str = "{ nodeId groupId domain data { key value } timestamp }";

/// Says if an answer is as it should be.
fn expect(answer: Result<Value, CallError>, is_right: impl Fn(&Value) -> bool) -> Result<String, String> {
    match answer {
        Ok(answer) if is_right(&answer) => Ok(String::new()),
        Ok(answer) => Err(format!("another answer: {answer}")),
        Err(error) => Err(error.to_string()),
    }
}

fn count(answer: &Value) -> usize {
    answer.as_array().map_or(0, Vec::len)
}

pub(super) async fn verify(session: &mut Session, checks: &mut Checks) {
    domains(session, checks).await;
    let group = match session.create("host").await {
        Ok(group) => group,
        Err(error) => return checks.note("createGroup", Err(error.to_string())),
    };
    groups(session, checks, &group).await;
    members(session, checks, &group).await;
    values(session, checks, &group).await;
    recorded_events(session, checks, &group).await;
    let leave = session.call_in(&group, "leaveGroup", json!({ "nodeId": "node" }), "{ peerId }").await;
    checks.note("leaveGroup", expect(leave, |peer| peer["peerId"] == "node"));
    let dissolve = session.call_in(&group, "dissolveGroup", json!({ "hostId": "host" }), MESSAGE).await;
    checks.note("dissolveGroup", expect(dissolve, |message| message["groupDissolve"].is_object()));
}

async fn domains(session: &mut Session, checks: &mut Checks) {
    let own = session.call("createDomain", json!({}), "").await;
    let name = own.as_ref().ok().and_then(Value::as_str).map(str::to_owned);
    checks.note("createDomain", expect(own, |domain| !domain.as_str().unwrap_or_default().is_empty()));
    let mut http = Http::new(session.endpoint.clone()).forwarded_for("198.51.100.77");
    let forged = call_on(&mut http, "createDomain", json!({}), "").await;
    let is_same = |domain: &Value| domain.as_str().map(str::to_owned) == name;
    checks.note("a forged x-forwarded-for changes no domain", expect(forged, is_same));
}

async fn groups(session: &mut Session, checks: &mut Checks, group: &Group) {
    let again = session.create("host").await.map(|again| json!(again.id));
    checks.note("createGroup, and again the same group", expect(again, |id| *id == json!(group.id)));
    let list = session.call("listGroupsByDomain", json!({ "domain": group.domain }), "{ id fullId }").await;
    let is_listed = |list: &Value| list[0]["fullId"] == format!("{}@{}", group.id, group.domain);
    checks.note("listGroupsByDomain", expect(list, is_listed));
    let search = json!({ "namePrefix": "veri", "limit": 100 });
    let search = session.call("searchGroupsByNamePrefix", search, "{ id }").await;
    checks.note("searchGroupsByNamePrefix", expect(search, |found| count(found) > 0));
    let renewed =
        session.call_in(group, "renewHeartbeat", json!({ "hostId": "host" }), "{ expiresAt }").await;
    checks.note("renewHeartbeat", expect(renewed, |renewed| renewed["expiresAt"].is_string()));
}

async fn members(session: &mut Session, checks: &mut Checks, group: &Group) {
    let join = json!({ "nodeId": "node", "name": "Neko" });
    let joined = session.call_in(group, "joinGroup", join, NODE).await;
    checks.note("joinGroup, with a name", expect(joined, |node| node["name"] == "Neko"));
    let nodes = session.call_in(group, "listNodesInGroup", json!({}), "{ id name }").await;
    checks.note("listNodesInGroup", expect(nodes, |nodes| nodes[0]["id"] == "node"));
    let beat = json!({ "nodeId": "node" });
    let beat = session.call_in(group, "sendMemberHeartbeat", beat, "{ nodeId expiresAt }").await;
    checks.note("sendMemberHeartbeat", expect(beat, |beat| beat["nodeId"] == "node"));
}

async fn values(session: &mut Session, checks: &mut Checks, group: &Group) {
    for (field, key) in [("reportDataByNode", "x"), ("reportStatus", "y")] {
        let report = json!({ "nodeId": "node", "data": [{ "key": key, "value": "1" }] });
        let reported = session.call_in(group, field, report, MESSAGE).await;
        checks.note(field, expect(reported, |message| message["nodeStatus"]["data"][0]["key"] == key));
    }
    let statuses = session.call_in(group, "listGroupStatuses", json!({}), STATUS).await;
    let keys =
        |statuses: &Value| statuses.as_array().into_iter().flatten().map(|one| count(&one["data"])).sum();
    let late = expect(statuses, |statuses| {
        let keys: usize = keys(statuses);
        keys == 2
    });
    checks.note("listGroupStatuses: a late joiner sees all", late);
    let status = session.call("getNodeStatus", json!({ "nodeId": "node" }), STATUS).await;
    // By an index, which may lag, and of the node's newest membership anywhere.
    checks.note("getNodeStatus", status.map(|_| String::new()).map_err(|error| error.to_string()));
}

async fn recorded_events(session: &mut Session, checks: &mut Checks, group: &Group) {
    let join = json!({ "nodeId": "poller", "useWebSocket": false });
    let joined = session.call_in(group, "joinGroup", join, "{ pollingIntervalSeconds }").await;
    let polls = |node: &Value| node["pollingIntervalSeconds"].as_u64().is_some_and(|seconds| seconds > 0);
    checks.note("joinGroup, to poll", expect(joined, polls));
    let fire = json!({ "nodeId": "node", "events": events(&["fired"]) });
    let fired = session.call_in(group, "fireEventsByNode", fire, MESSAGE).await;
    checks.note("fireEventsByNode", expect(fired, |message| message["batchEvent"].is_object()));
    let record = json!({ "nodeId": "poller", "events": events(&["recorded"]) });
    for name in ["recordEventsByNode", "recordEventsByNode, a repeated call"] {
        let recorded =
            session.call_in(group, "recordEventsByNode", record.clone(), "{ recordedCount nextSince }");
        checks.note(name, expect(recorded.await, |recorded| recorded["recordedCount"] == 1));
    }
    let since = session.call_in(group, "getEventsSince", json!({ "since": "" }), "{ name cursor }").await;
    let cursor = since.as_ref().map(|events| events[0]["cursor"].clone()).unwrap_or_default();
    let names = |events: &Value, expected: &[&str]| {
        count(events) == expected.len()
            && expected.iter().enumerate().all(|(at, name)| events[at]["name"] == *name)
    };
    checks
        .note("getEventsSince: all, in order, once", expect(since, |all| names(all, &["fired", "recorded"])));
    let selection = "{ events { name cursor } nodeStatuses { nodeId } complete }";
    let polled = session.call_in(group, "pollGroupData", json!({ "since": cursor }), selection).await;
    checks.note(
        "pollGroupData, behind a cursor",
        expect(polled, |polled| names(&polled["events"], &["recorded"])),
    );
}
