//! Sockets, subscriptions, order and latency.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_core::limits::MESSAGE_BYTES;
use mesh_core::time::Timestamp;
use mesh_simulate::client::operations::{Operation, WHOLE_SUBSCRIPTION};
use mesh_simulate::client::{CallError, Group, Http, KeyPlace, Subscription};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Checks;
use super::access::{WRONG_KEY, refused_key};
use super::session::{Session, events, now};

const HOST: &str = "talking host";
const SUBSCRIBERS: usize = 3;
const REPORTS: usize = 50;

/// Reports before those that count. On AppSync a subscription may take effect a moment after `start_ack`.
const FIRST_REPORTS: usize = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest that a message may be on its way.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The calls of this module, with how often each is sent at most.
pub(super) const CALLS: &[(&str, u64)] = &[
    ("createGroup", 1),
    ("publishEventsByNode", 2),
    ("reportDataByNode", (FIRST_REPORTS + REPORTS) as u64),
    ("fireEventsByNode", 3),
    ("joinGroup", 1),
    ("pollGroupData", 1),
    ("recordEventsByNode", 1),
    ("dissolveGroup", 1),
];

/// The messages that are delivered at most, with connections and subscriptions.
pub(super) const MESSAGES: u64 = ((FIRST_REPORTS + REPORTS + 6) * SUBSCRIBERS) as u64 + 20;

pub(super) async fn verify(session: &mut Session, checks: &mut Checks) {
    let probe = Subscription::probe(&session.endpoint).await;
    checks.note("a socket without a key opens", text(probe));
    let group = match session.create(HOST).await {
        Ok(group) => group,
        Err(error) => return checks.note("a group to talk in", Err(error.to_string())),
    };
    wrong_keys(session, checks, &group).await;
    publish(session, checks, &group).await;
    too_large(session, checks, &group).await;
    let mut subscribers = subscribe(session, checks, &group).await;
    checks.note("what is sent soon arrives", settle(session, &group, &mut subscribers).await);
    order(session, checks, &group, &mut subscribers).await;
    clock(session, checks, &group, &mut subscribers).await;
    let beside = poll_beside(session, &group, &mut subscribers).await;
    checks.note("polling beside WebSockets", beside);
    let ended = dissolve(session, &group, &mut subscribers).await;
    checks.note("the end of a group arrives", ended);
    for subscriber in subscribers {
        subscriber.close().await;
    }
}

fn text(result: Result<(), CallError>) -> Result<String, String> {
    result.map(|()| String::new()).map_err(|error| error.to_string())
}

/// A wrong key in each place where clients put it.
async fn wrong_keys(session: &Session, checks: &mut Checks, group: &Group) {
    let wrong = match session.endpoint.with_key(WRONG_KEY) {
        Ok(wrong) => wrong,
        Err(error) => return checks.note("a wrong key", Err(error.to_string())),
    };
    let right = &*session.endpoint;
    for (name, endpoint, place, start_key) in [
        ("a wrong key in a sub-protocol", &wrong, KeyPlace::SubProtocol, WRONG_KEY),
        ("a wrong key in the query", &wrong, KeyPlace::Query, WRONG_KEY),
        ("a wrong key in start", right, KeyPlace::SubProtocol, WRONG_KEY),
    ] {
        let opened =
            Subscription::open_with_keys(endpoint, group, WHOLE_SUBSCRIPTION, place, start_key).await;
        checks.note(name, refused_key(opened.map(drop)));
    }
}

/// Only functions publish what was recorded.
async fn publish(session: &mut Session, checks: &mut Checks, group: &Group) {
    let publish = format!(
        "mutation {{ publishEventsByNode(groupId: \"{}\", domain: {}, nodeId: \"n\", events: [], timestamp: \"{}\") \
         {{ groupId }} }}",
        group.id,
        json!(group.domain),
        now().to_text().as_str()
    );
    session.calls += 1;
    let operation = Operation::new("publishEventsByNode", &publish, &json!({}));
    let outcome = match Http::new(Arc::clone(&session.endpoint)).call(&operation).await {
        Err(CallError::Refused { error_type, .. }) if error_type == "Unauthorized" => Ok(error_type),
        Err(error) => Err(error.to_string()),
        Ok(()) => Err("accepted".to_owned()),
    };
    checks.note("publishEventsByNode with a key", outcome);
}

/// What a message has is what its mutation selects, which only whoever has subscriptions knows.
async fn too_large(session: &mut Session, checks: &mut Checks, group: &Group) {
    let mut events = events(&["large"]);
    events[0]["payload"] = json!("x".repeat(MESSAGE_BYTES));
    let fire = json!({ "nodeId": HOST, "events": events });
    let outcome = match session.call_in(group, "fireEventsByNode", fire).await {
        Err(CallError::Refused { error_type, .. }) if error_type == "ValidationError" => Ok(error_type),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("accepted".to_owned()),
    };
    checks.note("a message of more than 240 KB", outcome);
}

async fn subscribe(session: &Session, checks: &mut Checks, group: &Group) -> Vec<Subscription> {
    let mut subscribers = Vec::new();
    for number in 0..SUBSCRIBERS {
        let (place, name) = match number {
            0 => (KeyPlace::Query, "a subscription, key in the query"),
            _ => (KeyPlace::SubProtocol, "a subscription, key in a sub-protocol"),
        };
        match Subscription::open_with(&session.endpoint, group, WHOLE_SUBSCRIPTION, place).await {
            Ok(subscription) => {
                subscribers.push(subscription);
                checks.note(name, Ok(String::new()));
            }
            Err(error) => checks.note(name, Err(error.to_string())),
        }
    }
    subscribers
}

async fn report(session: &mut Session, group: &Group, value: &str) -> Result<(), String> {
    let report = json!({ "nodeId": HOST, "data": [{ "key": "n", "value": value }] });
    session.call_in(group, "reportDataByNode", report).await.map(drop).map_err(|error| error.to_string())
}

/// Reports until all subscribers hear it, and says after how many reports.
async fn settle(
    session: &mut Session,
    group: &Group,
    subscribers: &mut [Subscription],
) -> Result<String, String> {
    for subscriber in subscribers {
        let mut reports = 0;
        loop {
            reports += 1;
            report(session, group, "first").await?;
            if timeout(FIRST_PAUSE, message(subscriber)).await.is_ok_and(|heard| heard.is_ok()) {
                break;
            }
            if reports * SUBSCRIBERS >= FIRST_REPORTS {
                return Err(format!("{reports} reports did not"));
            }
        }
    }
    Ok(String::new())
}

/// Reports one after the other: each must reach every subscriber, in order.
async fn order(session: &mut Session, checks: &mut Checks, group: &Group, subscribers: &mut [Subscription]) {
    let mut latencies = Vec::new();
    let mut outcome = Ok(format!("{REPORTS} to {}", subscribers.len()));
    'reports: for number in 0..REPORTS {
        let value = number.to_string();
        let sent = Instant::now();
        if let Err(error) = report(session, group, &value).await {
            outcome = Err(error);
            break;
        }
        for subscriber in &mut *subscribers {
            match next_value(subscriber).await {
                Ok(heard) if heard == value => latencies.push(sent.elapsed()),
                Ok(heard) => outcome = Err(format!("{heard} instead of {value}")),
                Err(error) => outcome = Err(error),
            }
            if outcome.is_err() {
                break 'reports;
            }
        }
    }
    checks.note("every report reaches all, in order", outcome);
    latencies.sort_unstable();
    let at = |share: usize| latencies.get(latencies.len().saturating_sub(1) * share / 100);
    let outcome = match (at(50), at(99)) {
        (Some(p50), Some(p99)) => Ok(format!("p50 {} ms, p99 {} ms", p50.as_millis(), p99.as_millis())),
        _ => Err("nothing was delivered".to_owned()),
    };
    checks.note("from a call to its delivery", outcome);
}

/// The value of the next report that arrives and counts.
async fn next_value(subscriber: &mut Subscription) -> Result<String, String> {
    loop {
        let message = message(subscriber).await?;
        match message["nodeStatus"]["data"][0]["value"].as_str() {
            Some("first") => {}
            value => return Ok(value.unwrap_or_default().to_owned()),
        }
    }
}

/// The next message that arrives.
async fn message(subscriber: &mut Subscription) -> Result<Value, String> {
    let message = async {
        loop {
            let frame = subscriber.next().await.map_err(|error| error.to_string())?;
            let mut frame: Value = serde_json::from_str(&frame).map_err(|error| error.to_string())?;
            if frame["type"] == "data" {
                return Ok(frame["payload"]["data"]["onMessageInGroup"].take());
            }
        }
    };
    timeout(DELIVERY_TIMEOUT, message).await.unwrap_or_else(|_| Err("not delivered in time".to_owned()))
}

/// Waits until all subscribers got events of that name and nothing else.
async fn all_hear(subscribers: &mut [Subscription], name: &str) -> Result<(), String> {
    for subscriber in subscribers {
        let message = message(subscriber).await?;
        if message["batchEvent"]["events"][0]["name"] != name {
            return Err(format!("{message:.300} instead of the events \"{name}\""));
        }
    }
    Ok(())
}

/// A node that polls gets what others fire, and the others get what it records.
async fn poll_beside(
    session: &mut Session,
    group: &Group,
    subscribers: &mut [Subscription],
) -> Result<String, String> {
    let refused = |error: CallError| error.to_string();
    let join = json!({ "nodeId": "poller", "useWebSocket": false });
    session.call_in(group, "joinGroup", join).await.map_err(refused)?;
    let fire = json!({ "nodeId": HOST, "events": events(&["fired"]) });
    session.call_in(group, "fireEventsByNode", fire).await.map_err(refused)?;
    all_hear(subscribers, "fired").await?;
    let record = json!({ "nodeId": "poller", "events": events(&["recorded"]) });
    session.call_in(group, "recordEventsByNode", record).await.map_err(refused)?;
    all_hear(subscribers, "recorded").await?;
    let polled = session.call_in(group, "pollGroupData", json!({ "since": "" })).await.map_err(refused)?;
    let events = polled["events"].as_array().into_iter().flatten();
    let names: Vec<_> = events.filter_map(|event| event["name"].as_str()).collect();
    // One machine has kept what was fired before anybody polled, too.
    if names.ends_with(&["fired", "recorded"]) { Ok(String::new()) } else { Err(format!("polled {names:?}")) }
}

async fn dissolve(
    session: &mut Session,
    group: &Group,
    subscribers: &mut [Subscription],
) -> Result<String, String> {
    let host = json!({ "hostId": HOST });
    session.call_in(group, "dissolveGroup", host).await.map_err(|error| error.to_string())?;
    for subscriber in subscribers {
        let message = message(subscriber).await?;
        if !message["groupDissolve"].is_object() {
            return Err(format!("{message:.300} instead"));
        }
    }
    Ok(String::new())
}

/// Compares the clocks: between sending and answer the server took the call.
async fn clock(session: &mut Session, checks: &mut Checks, group: &Group, subscribers: &mut [Subscription]) {
    let before = now();
    let fire = json!({ "nodeId": HOST, "events": events(&["clock"]) });
    let fired = session.call_in(group, "fireEventsByNode", fire).await;
    let middle = before.as_millis().midpoint(now().as_millis());
    let taken = fired.map(|message| message["batchEvent"]["timestamp"].as_str().and_then(Timestamp::parse));
    let outcome = match taken {
        Ok(Some(taken)) => {
            let skew = taken.as_millis() - middle;
            // Living clients begin to poll up to two seconds late, and the server looks back four.
            if skew.abs() < 2_000 { Ok(format!("{skew} ms apart")) } else { Err(format!("{skew} ms apart")) }
        }
        Ok(None) => Err("no time in the answer".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    checks.note("the clocks of both sides", outcome);
    let heard = all_hear(subscribers, "clock").await;
    checks.note("an event reaches all", heard.map(|()| String::new()));
}
