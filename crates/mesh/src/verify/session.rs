//! Calls of any field with any arguments.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mesh_core::time::Timestamp;
use mesh_server::keys::random_text;
use mesh_simulate::client::operations::Operation;
use mesh_simulate::client::{CallError, Endpoint, Group, Http};
use serde_json::{Value, json};

use super::lesson::Lesson;
use super::pattern::Names;

const HOUR: Duration = Duration::from_hours(1);

/// A run against one endpoint, in a domain of its own.
pub(super) struct Session {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) lesson: Arc<Lesson>,
    /// What cases mention: the run, its domain, an hour ago, and what answers gave.
    pub(super) names: Names,
    pub(super) domain: String,
    /// How many calls were sent.
    pub(super) calls: u64,
    http: Http,
}

impl Session {
    pub(super) fn new(endpoint: Arc<Endpoint>, lesson: Arc<Lesson>) -> io::Result<Self> {
        // Six letters are the longest prefix that groups are searched by.
        let run = random_text(6)?;
        let domain = format!("verify {run} #1 @組");
        let hour_ago = now().minus(HOUR).to_text().as_str().to_owned();
        let names = [
            ("run", run),
            ("domain", domain.clone()),
            ("hourAgo", hour_ago),
            ("half", "\u{fffd}".to_owned()),
        ];
        let names = names.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        Ok(Self { http: Http::new(endpoint.clone()), endpoint, lesson, names, domain, calls: 0 })
    }

    /// Calls a field with these variables; the result is its value.
    pub(super) async fn call(&mut self, field: &'static str, variables: &Value) -> Result<Value, CallError> {
        self.call_selecting(field, variables, None).await
    }

    /// The same, with another selection than the field's usual one.
    pub(super) async fn call_selecting(
        &mut self,
        field: &'static str,
        variables: &Value,
        selection: Option<&str>,
    ) -> Result<Value, CallError> {
        self.calls += 1;
        self.http.result(&self.operation(field, variables, selection)).await
    }

    /// Calls a field in a group.
    pub(super) async fn call_in(
        &mut self,
        group: &Group,
        field: &'static str,
        mut variables: Value,
    ) -> Result<Value, CallError> {
        variables["groupId"] = json!(group.id);
        variables["domain"] = json!(group.domain);
        self.call(field, &variables).await
    }

    /// A call to be sent over another connection.
    pub(super) fn operation(
        &self,
        field: &'static str,
        variables: &Value,
        selection: Option<&str>,
    ) -> Operation {
        Operation::new(field, &self.lesson.document(field, selection), variables)
    }

    /// Creates a group, which is removed at the end.
    pub(super) async fn create(&mut self, host: &str) -> Result<Group, CallError> {
        let variables = json!({ "name": "verify", "hostId": host, "domain": self.domain });
        let created = self.call("createGroup", &variables).await?;
        let id = created["id"].as_str().unwrap_or_default().to_owned();
        Ok(Group { id, domain: self.domain.clone() })
    }

    /// Removes all groups of the run's domain.
    pub(super) async fn clean_up(&mut self) -> Result<String, String> {
        let domain = json!({ "domain": self.domain });
        let text = |error: CallError| error.to_string();
        let groups = self.call("listGroupsByDomain", &domain).await.map_err(text)?;
        for group in groups.as_array().into_iter().flatten() {
            let variables =
                json!({ "groupId": group["id"], "domain": self.domain, "hostId": group["hostId"] });
            self.call("dissolveGroup", &variables).await.map_err(text)?;
        }
        match self.call("listGroupsByDomain", &domain).await.map_err(text)?.as_array().map_or(0, Vec::len) {
            0 => Ok(String::new()),
            left => Err(format!("{left} are left in the domain {}", self.domain)),
        }
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
