//! The floor's answers and messages, as long as those of Mesh.

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use mesh_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Groups;

/// A posted body. Names and ids of a run have no escapes, so nothing is copied.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    query: &'a str,
    #[serde(borrow, default)]
    variables: Variables<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variables<'a> {
    #[serde(default)]
    domain: &'a str,
    #[serde(default)]
    group_id: &'a str,
    #[serde(default)]
    node_id: &'a str,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, rename = "eventName")]
    name: &'a RawValue,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(borrow)]
    fired_at: &'a RawValue,
}

/// Does what a body asks for, as far as the load's client looks at the answer.
pub(super) fn answer(groups: &Groups, body: &[u8]) -> io::Result<String> {
    let Request { query, variables } = serde_json::from_slice(body)?;
    let operation = query.split([' ', '(']).nth(1).unwrap_or_default();
    let Variables { domain, group_id, node_id, .. } = variables;
    let result = match operation {
        "createGroup" => {
            let number = groups.created.fetch_add(1, Ordering::Relaxed);
            // As long as the ids that Mesh makes.
            format!(r#"{{"id":"{number:032x}","domain":"{domain}"}}"#)
        }
        "joinGroup" => format!(r#"{{"id":"{node_id}","groupId":"{group_id}","domain":"{domain}"}}"#),
        "reportDataByNode" | "fireEventsByNode" => {
            let message = message(&variables);
            groups.publish(group_id, &message);
            message
        }
        _ => "null".to_owned(),
    };
    Ok(format!(r#"{{"data":{{"{operation}":{result}}}}}"#))
}

/// The message that subscribers get of a report or a batch, byte for byte as long as that of Mesh.
fn message(variables: &Variables) -> String {
    let Variables { domain, group_id: group, node_id: node, data, events } = variables;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or_default());
    let of_group = format!(r#""groupId":"{group}","domain":"{domain}""#);
    if let Some(data) = data {
        return format!(
            r#"{{{of_group},"nodeStatus":{{"nodeId":"{node}",{of_group},"data":{data},"timestamp":"{now}"}},"batchEvent":null,"groupDissolve":null}}"#
        );
    }
    let mut list = String::new();
    for Event { name, payload, fired_at } in events {
        let comma = if list.is_empty() { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(
            list,
            r#"{comma}{{"name":{name},"firedByNodeId":"{node}",{of_group},"payload":{payload},"timestamp":{fired_at}}}"#
        );
    }
    format!(
        r#"{{{of_group},"nodeStatus":null,"batchEvent":{{"events":[{list}],"firedByNodeId":"{node}",{of_group},"timestamp":"{now}"}},"groupDissolve":null}}"#
    )
}
