//! Calls of any field with any arguments.

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mesh_core::time::Timestamp;
use mesh_server::keys::random_text;
use mesh_simulate::client::operations::Operation;
use mesh_simulate::client::{CallError, Endpoint, Group, Http};
use serde_json::{Value, json};

/// Everything that a message can have.
pub(super) const MESSAGE: &str = "{ groupId domain \
    nodeStatus { nodeId groupId domain data { key value } timestamp } \
    batchEvent { events { name firedByNodeId groupId domain payload timestamp cursor orderKey } \
    firedByNodeId groupId domain timestamp } groupDissolve { groupId domain message } }";

/// The secret of every host and node that this session protects.
pub(super) const SECRET: &str = "the secret of mesh verify";

/// A run against one endpoint, in a domain of its own.
pub(super) struct Session {
    pub(super) endpoint: Arc<Endpoint>,
    http: Http,
    pub(super) domain: String,
    /// The groups to remove at the end, with their hosts.
    groups: Vec<(Group, String)>,
}

impl Session {
    pub(super) fn new(endpoint: Arc<Endpoint>) -> io::Result<Self> {
        let domain = format!("verify-{}", random_text(12)?);
        Ok(Self { http: Http::new(endpoint.clone()), endpoint, domain, groups: Vec::new() })
    }

    /// Calls a field with these arguments; the result is its value.
    pub(super) async fn call(
        &mut self,
        field: &'static str,
        arguments: Value,
        selection: &str,
    ) -> Result<Value, CallError> {
        call_on(&mut self.http, field, arguments, selection).await
    }

    /// Calls a field in a group.
    pub(super) async fn call_in(
        &mut self,
        group: &Group,
        field: &'static str,
        mut arguments: Value,
        selection: &str,
    ) -> Result<Value, CallError> {
        arguments["groupId"] = json!(group.id);
        arguments["domain"] = json!(group.domain);
        self.call(field, arguments, selection).await
    }

    /// Creates a group that is removed at the end.
    pub(super) async fn create(&mut self, host: &str) -> Result<Group, CallError> {
        let arguments = json!({ "name": "verify", "hostId": host, "domain": self.domain });
        let created = self.call("createGroup", arguments, "{ id }").await?;
        let id = created["id"].as_str().unwrap_or_default().to_owned();
        let group = Group { id, domain: self.domain.clone() };
        self.groups.push((group.clone(), host.to_owned()));
        Ok(group)
    }

    /// Removes all groups, those that are protected by their secret.
    pub(super) async fn clean_up(&mut self) -> Result<String, String> {
        for (group, host) in std::mem::take(&mut self.groups) {
            let arguments = json!({ "hostId": host });
            match self.call_in(&group, "dissolveGroup", arguments, "{ groupId domain }").await {
                Ok(_) => {}
                Err(CallError::Refused { error_type, .. }) if error_type == "GroupNotFound" => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        let arguments = json!({ "domain": self.domain });
        let left = self.call("listGroupsByDomain", arguments, "{ id }").await;
        match left.map(|left| left.as_array().map_or(0, Vec::len)) {
            Ok(0) => Ok(String::new()),
            Ok(left) => Err(format!("{left} are left in the domain {}", self.domain)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Calls a field over a connection of one's own.
pub(super) async fn call_on(
    http: &mut Http,
    field: &'static str,
    arguments: Value,
    selection: &str,
) -> Result<Value, CallError> {
    http.result(&Operation::new(field, &document(field, &arguments, selection), &arguments)).await
}

/// The document that calls a field with variables for all its arguments, as strict clients declare them.
fn document(field: &str, arguments: &Value, selection: &str) -> String {
    let is_query = ["list", "search", "get", "poll"].iter().any(|verb| field.starts_with(verb));
    let kind = if is_query { "query" } else { "mutation" };
    let names: Vec<_> = arguments.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    if names.is_empty() {
        return format!("{kind} {{ {field} {selection} }}");
    }
    let declared: Vec<_> = names.iter().map(|name| format!("${name}: {}", type_of(name))).collect();
    let given: Vec<_> = names.iter().map(|name| format!("{name}: ${name}")).collect();
    format!("{kind} V({}) {{ {field}({}) {selection} }}", declared.join(", "), given.join(", "))
}

fn type_of(argument: &str) -> &'static str {
    match argument {
        "groupId" | "nodeId" | "hostId" => "ID!",
        "data" => "[SensorDataInput!]!",
        "events" => "[EventInput!]!",
        "timestamp" => "AWSDateTime!",
        "useWebSocket" => "Boolean",
        "limit" | "maxConnectionTimeSeconds" => "Int",
        _ => "String!",
    }
}

/// Events of these names, fired now.
pub(super) fn events(names: &[&str]) -> Value {
    let event = |name: &&str| json!({ "eventName": name, "firedAt": now().to_text().as_str() });
    names.iter().map(event).collect()
}

/// The time by this machine's clock.
pub(super) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_declared_as_the_schema_has_them() {
        let arguments = json!({ "domain": "d", "limit": 3 });
        assert_eq!(
            document("searchGroupsByNamePrefix", &arguments, "{ id }"),
            "query V($domain: String!, $limit: Int) { searchGroupsByNamePrefix(domain: $domain, limit: $limit) { id } }"
        );
        assert_eq!(document("createDomain", &json!({}), ""), "mutation { createDomain  }");
    }
}
