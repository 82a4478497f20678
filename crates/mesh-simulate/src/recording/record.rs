//! Writing the messages of a live group to a file.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{Entry, FORMAT, Happened, Header, Message, RecordingError, now};
use crate::client::operations::{NamedNode, Operation, WHOLE_SUBSCRIPTION};
use crate::client::{CallError, Endpoint, Group, Http, Subscription};

/// The pause before connecting again.
const BACK_OFF: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct DataFrame {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "onMessageInGroup")]
    message: Option<Message>,
}

/// Writes the messages of a group until it ends or `stop` is ready, and with `with_names` the names of its nodes;
/// answers how many messages there were. `listening` is called once messages are no longer missed.
///
/// # Errors
///
/// The endpoint refuses the subscription, or the file cannot be written.
pub async fn record(
    endpoint: &Endpoint,
    group: &Group,
    with_names: bool,
    file: &mut impl Write,
    listening: impl FnOnce(),
    stop: impl Future<Output = ()>,
) -> Result<u64, RecordingError> {
    let mut subscription = Subscription::open(endpoint, group, WHOLE_SUBSCRIPTION).await?;
    // Anybody may subscribe to a group that is none; this would be refused.
    let mut http = Http::new(endpoint.clone().into());
    http.call(&Operation::list_group_statuses(group)).await?;
    let began = Instant::now();
    let (group_id, domain) = (group.id.clone(), group.domain.clone());
    write(file, &Header { mesh_recording: FORMAT, started_at: now(), group_id, domain })?;
    listening();
    let mut messages = 0;
    let mut names = BTreeMap::new();
    tokio::pin!(stop);
    loop {
        let received = tokio::select! {
            received = subscription.next() => received,
            () = &mut stop => return Ok(messages),
        };
        let at_millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match received {
            Ok(text) => {
                let Some(message) = message(&text)? else { continue };
                let is_end = message.group_dissolve.is_some();
                if with_names && message.sender().is_some_and(|sender| !names.contains_key(sender)) {
                    let new = new_names(&mut http, group, &message, &mut names).await;
                    if !new.is_empty() {
                        write(file, &Entry { at_millis, happened: Happened::Names(new) })?;
                    }
                }
                write(file, &Entry { at_millis, happened: Happened::Message(message) })?;
                messages += 1;
                if is_end {
                    return Ok(messages);
                }
            }
            Err(error) => {
                write(file, &Entry { at_millis, happened: Happened::Gap(error.to_string()) })?;
                subscription = tokio::select! {
                    again = connect_again(endpoint, group) => again,
                    () = &mut stop => return Ok(messages),
                };
            }
        }
    }
}

/// Asks for the names of a group when a node without a known one sends; answers those that are new.
async fn new_names(
    http: &mut Http,
    group: &Group,
    message: &Message,
    names: &mut BTreeMap<String, Option<String>>,
) -> BTreeMap<String, String> {
    // A host is not listed; it is asked for once.
    names.extend(message.sender().map(|sender| (sender.to_owned(), None)));
    // Without names the recording is still one.
    let listed: Vec<NamedNode> = http.result(&Operation::list_nodes(group)).await.unwrap_or_default();
    let mut new = BTreeMap::new();
    for NamedNode { id, name } in listed {
        let is_own = name != format!("Node {id}");
        if is_own && names.get(&id).is_none_or(|known| known.as_ref() != Some(&name)) {
            names.insert(id.clone(), Some(name.clone()));
            new.insert(id, name);
        }
    }
    new
}

/// The message of a data frame; nothing of any other.
fn message(text: &str) -> Result<Option<Message>, CallError> {
    let frame: DataFrame =
        serde_json::from_str(text).map_err(|error| CallError::Unreadable(error.to_string()))?;
    if frame.kind != "data" {
        return Ok(None);
    }
    Ok(frame.payload.and_then(|payload| payload.data).and_then(|data| data.message))
}

/// A line that is in the file whatever happens next.
fn write(file: &mut impl Write, line: &impl serde::Serialize) -> Result<(), RecordingError> {
    let mut line = serde_json::to_vec(line).map_err(std::io::Error::from)?;
    line.push(b'\n');
    file.write_all(&line)?;
    Ok(file.flush()?)
}

async fn connect_again(endpoint: &Endpoint, group: &Group) -> Subscription {
    loop {
        sleep(BACK_OFF).await;
        if let Ok(subscription) = Subscription::open(endpoint, group, WHOLE_SUBSCRIPTION).await {
            return subscription;
        }
    }
}
