//! Every word of errors, and limits at their edges.

use std::sync::Arc;

use mesh_core::limits::{EVENTS, ID_CHARACTERS, MESSAGE_BYTES, REPORT_ITEMS};
use mesh_simulate::client::{CallError, Http};
use serde_json::{Value, json};

use super::Checks;
use super::session::{MESSAGE, SECRET, Session, call_on, events, now};

/// Says if a call was refused with that word.
fn expect(answer: Result<Value, CallError>, word: &str) -> Result<String, String> {
    match answer {
        Err(CallError::Refused { error_type, .. }) if error_type == word => Ok(word.to_owned()),
        Err(error) => Err(format!("{error}, not {word}")),
        Ok(_) => Err(format!("accepted, not {word}")),
    }
}

fn accepted(answer: Result<Value, CallError>) -> Result<String, String> {
    answer.map(|_| String::new()).map_err(|error| error.to_string())
}

pub(super) async fn verify(session: &mut Session, checks: &mut Checks) {
    keys(session, checks).await;
    let group = match session.create("refusing host").await {
        Ok(group) => group,
        Err(error) => return checks.note("a group to be refused in", Err(error.to_string())),
    };
    let mut unknown = group.clone();
    "unknown".clone_into(&mut unknown.id);
    let list = session.call_in(&unknown, "listNodesInGroup", json!({}), "{ id }").await;
    checks.note("an unknown group", expect(list, "GroupNotFound"));
    let beat =
        session.call_in(&group, "sendMemberHeartbeat", json!({ "nodeId": "nobody" }), "{ nodeId }").await;
    checks.note("a node that did not join", expect(beat, "NodeNotFound"));
    for field in ["renewHeartbeat", "dissolveGroup"] {
        let call = session.call_in(&group, field, json!({ "hostId": "another" }), "{ groupId }").await;
        checks.note("what only the host may do", expect(call, "Unauthorized"));
    }
    let join = json!({ "nodeId": "protected", "secret": SECRET });
    checks.note("a node with a secret", accepted(session.call_in(&group, "joinGroup", join, "{ id }").await));
    let report = json!({ "nodeId": "protected", "data": [{ "key": "x", "value": "forged" }] });
    let forged = session.call_in(&group, "reportDataByNode", report, MESSAGE).await;
    checks.note("a node with a secret, without it", expect(forged, "Unauthorized"));
    let publish = format!(
        "mutation {{ publishEventsByNode(groupId: \"{}\", domain: \"{}\", nodeId: \"n\", events: [], \
         timestamp: \"{}\") {{ groupId }} }}",
        group.id,
        group.domain,
        now().to_text().as_str()
    );
    let mut http = Http::new(session.endpoint.clone());
    let operation =
        mesh_simulate::client::operations::Operation::new("publishEventsByNode", &publish, &json!({}));
    checks.note("publishEventsByNode with a key", expect(http.result(&operation).await, "Unauthorized"));
    limits(session, checks, &group).await;
}

async fn keys(session: &Session, checks: &mut Checks) {
    match session.endpoint.with_key("da2-wrongwrongwrongwrongwrongwrong") {
        Ok(wrong) => {
            let mut http = Http::new(Arc::new(wrong));
            let domain = call_on(&mut http, "createDomain", json!({}), "").await;
            checks.note("a wrong key", expect(domain, "UnauthorizedException"));
        }
        Err(error) => checks.note("a wrong key", Err(error.to_string())),
    }
}

async fn limits(session: &mut Session, checks: &mut Checks, group: &mesh_simulate::client::Group) {
    let id = |length: usize| json!({ "nodeId": "i".repeat(length) });
    let most = session.call_in(group, "joinGroup", id(ID_CHARACTERS), "{ id }").await;
    checks.note("an id of the greatest length", accepted(most));
    let more = session.call_in(group, "joinGroup", id(ID_CHARACTERS + 1), "{ id }").await;
    checks.note("a longer id", expect(more, "ValidationError"));
    let report = |count: usize| {
        let data: Vec<_> = (0..count).map(|key| json!({ "key": key.to_string(), "value": "" })).collect();
        json!({ "nodeId": "refusing host", "data": data })
    };
    let most = session.call_in(group, "reportDataByNode", report(REPORT_ITEMS), MESSAGE).await;
    checks.note("as many values as a report may have", accepted(most));
    let more = session.call_in(group, "reportDataByNode", report(REPORT_ITEMS + 1), MESSAGE).await;
    checks.note("a value more", expect(more, "ValidationError"));
    let fire = json!({ "nodeId": "refusing host", "events": events(&vec!["e"; EVENTS + 1]) });
    let fired = session.call_in(group, "fireEventsByNode", fire, MESSAGE).await;
    checks.note("an event more than a call may have", expect(fired, "ValidationError"));
    for (name, bytes, is_small) in [
        ("a message that nearly fills 240 KB", MESSAGE_BYTES - 2_048, true),
        ("a message over 240 KB", MESSAGE_BYTES, false),
    ] {
        let mut events = events(&["large"]);
        events[0]["payload"] = json!("x".repeat(bytes));
        let fire = json!({ "nodeId": "refusing host", "events": events });
        let fired = session.call_in(group, "fireEventsByNode", fire, MESSAGE).await;
        checks.note(name, if is_small { accepted(fired) } else { expect(fired, "ValidationError") });
    }
}
