//! Sockets, subscriptions, order and latency.

use std::time::{Duration, Instant};

use mesh_core::time::Timestamp;
use mesh_simulate::client::operations::WHOLE_SUBSCRIPTION;
use mesh_simulate::client::{CallError, Group, KeyPlace, Subscription};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Checks;
use super::session::{MESSAGE, Session, events, now};

const SUBSCRIBERS: usize = 3;
const REPORTS: usize = 50;

/// The longest that a message may be on its way.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn verify(session: &mut Session, checks: &mut Checks) {
    let probe = Subscription::probe(&session.endpoint).await;
    checks.note("a socket without a key opens", text(probe));
    let group = match session.create("talking host").await {
        Ok(group) => group,
        Err(error) => return checks.note("a group to talk in", Err(error.to_string())),
    };
    wrong_key(session, checks, &group).await;
    let mut subscribers = Vec::new();
    for number in 0..SUBSCRIBERS {
        let place = if number == 0 { KeyPlace::Query } else { KeyPlace::SubProtocol };
        let name = if number == 0 {
            "a subscription, key in the query"
        } else {
            "a subscription, key in a sub-protocol"
        };
        match Subscription::open_with(&session.endpoint, &group, WHOLE_SUBSCRIPTION, place).await {
            Ok(subscription) => {
                subscribers.push(subscription);
                checks.note(name, Ok(String::new()));
            }
            Err(error) => checks.note(name, Err(error.to_string())),
        }
    }
    order(session, checks, &group, &mut subscribers).await;
    clock(session, checks, &group).await;
    for subscriber in subscribers {
        subscriber.close().await;
    }
}

fn text(result: Result<(), CallError>) -> Result<String, String> {
    result.map(|()| String::new()).map_err(|error| error.to_string())
}

async fn wrong_key(session: &Session, checks: &mut Checks, group: &Group) {
    let name = "a subscription with a wrong key";
    let wrong = match session.endpoint.with_key("da2-wrongwrongwrongwrongwrongwrong") {
        Ok(wrong) => wrong,
        Err(error) => return checks.note(name, Err(error.to_string())),
    };
    let outcome = match Subscription::open(&wrong, group, WHOLE_SUBSCRIPTION).await {
        Err(CallError::Refused { error_type, .. }) if error_type == "UnauthorizedException" => Ok(error_type),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("accepted".to_owned()),
    };
    checks.note(name, outcome);
}

/// Reports one after the other: each must reach every subscriber, in order.
async fn order(session: &mut Session, checks: &mut Checks, group: &Group, subscribers: &mut [Subscription]) {
    let mut latencies = Vec::new();
    let mut outcome = Ok(format!("{REPORTS} to {}", subscribers.len()));
    'reports: for number in 0..REPORTS {
        let value = number.to_string();
        let report = json!({ "nodeId": "talking host", "data": [{ "key": "n", "value": value }] });
        let sent = Instant::now();
        if let Err(error) = session.call_in(group, "reportDataByNode", report, MESSAGE).await {
            outcome = Err(error.to_string());
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

/// The value of the next report that arrives.
async fn next_value(subscriber: &mut Subscription) -> Result<String, String> {
    let value = async {
        loop {
            let frame = subscriber.next().await.map_err(|error| error.to_string())?;
            let frame: Value = serde_json::from_str(&frame).map_err(|error| error.to_string())?;
            if frame["type"] == "data" {
                let status = &frame["payload"]["data"]["onMessageInGroup"]["nodeStatus"];
                return Ok(status["data"][0]["value"].as_str().unwrap_or_default().to_owned());
            }
        }
    };
    timeout(DELIVERY_TIMEOUT, value).await.unwrap_or_else(|_| Err("not delivered in time".to_owned()))
}

/// Compares the clocks: between sending and answer the server took the call.
async fn clock(session: &mut Session, checks: &mut Checks, group: &Group) {
    let fire = json!({ "nodeId": "talking host", "events": events(&["clock"]) });
    let before = now();
    let fired = session.call_in(group, "fireEventsByNode", fire, MESSAGE).await;
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
}
