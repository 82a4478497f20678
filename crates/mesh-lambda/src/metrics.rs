//! One line for each invocation: a line of the log, and metrics that CloudWatch reads out of it.
//!
//! Ids of nodes, names, values and addresses are never in it, nor anything else that a client made up:
//! of a domain there is a hash, and a group's id only in the form in which the store makes them.
//! docs/operations.md queries these lines. Source: CloudWatch user guide, "Embedded metric format
//! specification".

use std::time::{SystemTime, UNIX_EPOCH};

use mesh_appsync::Call;
use mesh_appsync::event::Event;
use mesh_core::ErrorType;
use mesh_core::hex::Hex;
use mesh_dynamodb::is_group_id;
use mesh_dynamodb::table::Usage;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::start::Told;

/// The namespace of all metrics.
const NAMESPACE: &str = "Mesh";

/// An invocation, as far as it may be told.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// Lambda's id of the request.
    pub request_id: &'a str,
    /// The field.
    pub operation: &'a str,
    /// The group's id, which is random.
    pub group_id: Option<String>,
    /// A hash of the domain.
    pub domain_hash: Option<String>,
    /// Why it was refused.
    pub error_type: Option<ErrorType>,
    /// The protocol of a new group or member.
    pub protocol: Option<Protocol>,
    /// Units and time that it used of the store.
    pub usage: Usage,
    /// The environment that it ran in, if there is something to tell.
    pub environment: Told,
}

/// The way in which a node hears of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// By a WebSocket.
    WebSocket,
    /// By polling, which it falls back to where WebSockets are blocked.
    Polling,
}

impl Protocol {
    /// The protocol of who uses WebSockets or does not.
    pub fn of(use_web_socket: bool) -> Self {
        if use_web_socket { Self::WebSocket } else { Self::Polling }
    }

    fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::Polling => "Polling",
        }
    }
}

impl<'a> Invocation<'a> {
    /// An invocation that is about to be served.
    pub fn of(event: &'a Event, request_id: &'a str) -> Self {
        Self {
            request_id,
            operation: &event.field,
            group_id: None,
            domain_hash: None,
            error_type: None,
            protocol: None,
            usage: Usage::default(),
            environment: Told::default(),
        }
    }

    /// Notes the group and the domain that the call is about.
    pub fn note_call(&mut self, call: &Call) {
        self.group_id = call.group().map(|(id, _)| id.to_string()).filter(|id| is_group_id(id));
        self.domain_hash = call.domain().map(|domain| hash(domain.as_str()));
    }

    /// The line. Metrics of nothing are left out, each costs.
    pub fn line(&self, stack: &str) -> String {
        let mut line = Map::new();
        let mut texts = |name: &str, text: Option<&str>| {
            line.extend(text.map(|text| (name.to_owned(), Value::from(text))));
        };
        texts("Stack", Some(stack));
        texts("Operation", Some(self.operation));
        texts("ErrorType", self.error_type.map(ErrorType::as_str));
        texts("requestId", Some(self.request_id));
        texts("groupId", self.group_id.as_deref());
        texts("domainHash", self.domain_hash.as_deref());
        texts("protocol", self.protocol.map(Protocol::name));

        let mut by_operation = vec![metric("Invocations", "Count")];
        let mut numbers = |name: &'static str, unit, number: f64| {
            if number > 0.0 {
                line.insert(name.to_owned(), number.into());
                by_operation.push(metric(name, unit));
            }
        };
        numbers("StoreLatency", "Milliseconds", self.usage.time.as_secs_f64() * 1_000.0);
        numbers("ReadUnits", "Count", self.usage.read_units);
        numbers("WriteUnits", "Count", self.usage.write_units);
        if let Some(protocol) = self.protocol {
            numbers(protocol.name(), "Count", 1.0);
        }
        if self.error_type.is_some() {
            numbers("Errors", "Count", 1.0);
        }
        line.insert("Invocations".to_owned(), 1.into());
        // For log queries alone: a metric of each would cost.
        let Told { init, memory } = self.environment;
        line.extend(init.map(|init| ("initMs".to_owned(), (init.as_secs_f64() * 1_000.0).into())));
        line.extend(memory.map(|bytes| ("memoryMb".to_owned(), (bytes >> 20).into())));

        let mut metrics = vec![directive("Operation", &by_operation)];
        if self.error_type.is_some() {
            metrics.push(directive("ErrorType", &[metric("Errors", "Count")]));
        }
        line.insert("_aws".to_owned(), json!({ "Timestamp": now(), "CloudWatchMetrics": metrics }));
        Value::Object(line).to_string()
    }
}

fn metric(name: &str, unit: &str) -> Value {
    json!({ "Name": name, "Unit": unit })
}

fn directive(dimension: &str, metrics: &[Value]) -> Value {
    json!({ "Namespace": NAMESPACE, "Dimensions": [["Stack", dimension]], "Metrics": metrics })
}

fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or_default()
}

/// The first 8 bytes of a text's SHA-256 as hex: enough to follow one domain through a log.
fn hash(text: &str) -> String {
    Hex(&Sha256::digest(text)[..8]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const JOIN: &str = r#"{"field":"joinGroup","arguments":{"groupId":"g","domain":"d","nodeId":"Hanako"}}"#;

    fn line(change: impl FnOnce(&mut Invocation<'_>)) -> Value {
        let event = Event::parse(JOIN.as_bytes()).unwrap();
        let mut invocation = Invocation::of(&event, "request");
        invocation.note_call(&event.call(2).unwrap());
        change(&mut invocation);
        let line = invocation.line("mesh-stg");
        assert!(!line.contains("Hanako") && !line.contains('\n'), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_line_has_metrics_by_operation() {
        let line = line(|invocation| {
            invocation.protocol = Some(Protocol::Polling);
            invocation.usage =
                Usage { requests: 3, read_units: 1.0, write_units: 3.0, time: Duration::from_millis(12) };
        });
        assert_eq!((&line["Stack"], &line["Operation"]), (&json!("mesh-stg"), &json!("joinGroup")));
        assert_eq!((&line["requestId"], &line["protocol"]), (&json!("request"), &json!("Polling")));
        assert_eq!((&line["ReadUnits"], &line["StoreLatency"]), (&json!(1.0), &json!(12.0)));
        // As `printf %s d | sha256sum | cut -c 1-16` says.
        assert_eq!(line["domainHash"], "18ac3e7343f01689");
        assert!(line["groupId"].is_null(), "whatever a client calls a group is not logged");
        let metrics = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(metrics.len(), 1);
        assert_eq!(metrics[0]["Dimensions"], json!([["Stack", "Operation"]]));
        let names: Vec<_> =
            metrics[0]["Metrics"].as_array().unwrap().iter().map(|one| &one["Name"]).collect();
        assert_eq!(names, ["Invocations", "StoreLatency", "ReadUnits", "WriteUnits", "Polling"]);
        assert!(names.iter().all(|name| line[name.as_str().unwrap()].is_number()));
    }

    #[test]
    fn a_refusal_counts_by_its_type_too() {
        let line = line(|invocation| invocation.error_type = Some(ErrorType::GroupNotFound));
        assert_eq!(line["ErrorType"], "GroupNotFound");
        let dimensions: Vec<_> = line["_aws"]["CloudWatchMetrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|directive| directive["Dimensions"].clone())
            .collect();
        // Never the product of both: each combination would be a metric of its own.
        assert_eq!(dimensions, [json!([["Stack", "Operation"]]), json!([["Stack", "ErrorType"]])]);
        assert_eq!(line["Errors"], 1.0);
    }
}
