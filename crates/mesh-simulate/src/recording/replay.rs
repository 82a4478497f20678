//! Playing a recording.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::time::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::{BatchEvent, Happened, NodeStatus, Recording, RecordingError, now};
use crate::client::operations::{EventInput, Membership, Operation};
use crate::client::{CallError, Endpoint, Group, Http};

/// The way in which a recording is played.
#[derive(Debug)]
pub struct Replay {
    /// The speed as a multiple of the original one.
    pub speed: f64,
    /// The group to play it in; `None` makes one.
    pub group: Option<Group>,
    /// The domain of a group of its own; none takes the recording's.
    pub domain: Option<String>,
    /// The time before the first message, in which receivers may join.
    pub wait: Duration,
}

/// The result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Messages played.
    pub sent: u64,
    /// Entries that cannot be played: the end of the group, gaps, messages without their fields.
    pub skipped: u64,
    /// True if it was stopped before the end.
    pub interrupted: bool,
}

/// Name and host of a group of its own.
const HOST: &str = "mesh-replay";

/// Plays a recording: its nodes join and send what they sent, when they sent it, in the same order.
/// `ready` is told the group before the first message.
///
/// # Errors
///
/// The endpoint cannot be reached or refuses the group.
pub async fn replay(
    endpoint: &Arc<Endpoint>,
    recording: &Recording,
    options: &Replay,
    ready: impl FnOnce(&Group),
    stop: impl Future<Output = ()>,
) -> Result<Replayed, RecordingError> {
    let mut http = Http::new(endpoint.clone());
    let mut replayed = Replayed::default();
    let (group, own_host) = if let Some(group) = &options.group {
        (group.clone(), None)
    } else {
        let (group, host) = create_group(&mut http, recording, options).await?;
        (group, Some(host))
    };
    let playing = async {
        for (node, name) in nodes(recording) {
            http.call(&Operation::join_group(&group, node, true, name)).await?;
        }
        ready(&group);
        play(&mut http, recording, &group, options, &mut replayed).await
    };
    let (played, interrupted) = tokio::select! {
        played = playing => (played, false),
        () = stop => (Ok(()), true),
    };
    replayed.interrupted = interrupted;
    if let Some(host) = own_host {
        // If it fails, the group ends by itself.
        let _ = Http::new(endpoint.clone()).call(&Operation::dissolve_group(&group, &host)).await;
    }
    played?;
    Ok(replayed)
}

async fn create_group(
    http: &mut Http,
    recording: &Recording,
    options: &Replay,
) -> Result<(Group, String), CallError> {
    let domain = options.domain.clone().unwrap_or_else(|| recording.header.domain.clone());
    // A host has one group in a domain: another replay would get this one.
    let host = format!("{HOST}-{}", now().as_millis());
    let created: Membership = http.result(&Operation::create_group(HOST, &host, &domain)).await?;
    Ok((Group { id: created.id, domain }, host))
}

/// Everyone who sent something, with the name that was recorded last.
fn nodes(recording: &Recording) -> BTreeMap<&str, Option<&str>> {
    let mut nodes = BTreeMap::new();
    let mut names = BTreeMap::new();
    for entry in &recording.entries {
        match &entry.happened {
            Happened::Names(said) => names.extend(said.iter().map(|(id, name)| (id.as_str(), name.as_str()))),
            Happened::Message(message) => {
                nodes.extend(message.sender().map(|sender| (sender, None)));
            }
            Happened::Gap(_) => {}
        }
    }
    for (node, name) in &mut nodes {
        *name = names.get(node).copied();
    }
    nodes
}

async fn play(
    http: &mut Http,
    recording: &Recording,
    group: &Group,
    options: &Replay,
    replayed: &mut Replayed,
) -> Result<(), CallError> {
    let began = Instant::now() + options.wait;
    let starts = now().plus(options.wait);
    for entry in &recording.entries {
        let due = Duration::from_millis(entry.at_millis).div_f64(options.speed);
        sleep_until(began + due).await;
        // Events keep their distance from the message that brought them.
        let recorded_at = recording.header.started_at.plus(Duration::from_millis(entry.at_millis));
        let shift = starts.plus(due).millis_since(recorded_at);
        match operation(&entry.happened, group, shift) {
            // One after the other, so that their order stays.
            Some(operation) => {
                http.call(&operation).await?;
                replayed.sent += 1;
            }
            None if matches!(entry.happened, Happened::Names(_)) => {}
            None => replayed.skipped += 1,
        }
    }
    Ok(())
}

/// The mutation that made a message.
fn operation(happened: &Happened, group: &Group, shift_millis: i64) -> Option<Operation> {
    let Happened::Message(message) = happened else { return None };
    if let Some(NodeStatus { node_id, data, .. }) = &message.node_status {
        return Some(Operation::report_data(group, node_id.as_ref()?, data.as_ref()?));
    }
    let BatchEvent { fired_by_node_id, events, .. } = message.batch_event.as_ref()?;
    let events: Option<Vec<_>> = events
        .as_ref()?
        .iter()
        .map(|event| {
            let fired_at = Timestamp::from_millis(event.timestamp?.as_millis().saturating_add(shift_millis));
            Some(EventInput {
                event_name: event.name.clone()?,
                payload: event.payload.clone(),
                fired_at: fired_at.to_string(),
                order_key: event.order_key.clone(),
            })
        })
        .collect();
    Some(Operation::fire_whole_events(group, fired_by_node_id.as_ref()?, &events?))
}
