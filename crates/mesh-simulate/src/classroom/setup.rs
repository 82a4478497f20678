//! Groups made before a run, and ended after it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::timeout;

use super::SetupError;
use super::names::{group_name, node_id};
use super::node::Node;
use super::run::Run;
use crate::check::Room;
use crate::client::operations::{Membership, Operation};
use crate::client::{CallError, Endpoint, Group, Http};
use crate::load::Load;

/// The number of nodes that join at once.
const AT_ONCE: usize = 32;
/// A server allows 1,000 living groups in a domain.
const GROUPS_IN_DOMAIN: usize = 500;
/// The time limit for ending all groups.
const GOODBYE: Duration = Duration::from_secs(10);

/// Creates the groups, each with its host.
pub(super) async fn create_groups(
    endpoint: &Arc<Endpoint>,
    load: &Load,
) -> Result<Vec<Arc<Room>>, SetupError> {
    let failed = |error| SetupError::Failed { what: "a group could not be created", error };
    // Different in each run, so that runs at the same time do not meet.
    let run = random().map_err(failed)?;
    let nodes = load.nodes;
    let creating = (0..load.groups).map(|index| async move {
        let domain = format!("simulation-{run:08x}-{}", index / GROUPS_IN_DOMAIN);
        let ids: Vec<_> = (0..nodes).map(|node| node_id(run, index, node)).collect();
        let create = Operation::create_group(&group_name(index), &ids[0], &domain);
        let created: Membership = Http::new(endpoint.clone()).result(&create).await?;
        Ok(Arc::new(Room::new(index, Group { id: created.id, domain }, ids)))
    });
    // In order, since indexes count.
    let created: Vec<Result<_, CallError>> = stream::iter(creating).buffered(AT_ONCE).collect().await;
    created.into_iter().collect::<Result<_, _>>().map_err(failed)
}

/// Lets every node join and begin to receive.
pub(super) async fn join_all(run: &Arc<Run>) -> Result<Vec<Node>, SetupError> {
    let indexes = run.rooms.iter().flat_map(|room| (0..run.load.nodes).map(move |node| (room.clone(), node)));
    let joining = indexes.map(|(room, node)| {
        let run = run.clone();
        // Tasks of their own: they use all processors.
        let task = tokio::spawn(async move { Node::join(run, room, node).await });
        async move {
            let gone = |_| CallError::Broken("the node's task is gone".to_owned());
            task.await.map_err(gone).and_then(|joined| joined)
        }
    });
    let mut joining = stream::iter(joining).buffer_unordered(AT_ONCE);
    let mut nodes = Vec::new();
    while let Some(joined) = joining.next().await {
        nodes.push(joined.map_err(|error| SetupError::Failed { what: "a node could not join", error })?);
    }
    Ok(nodes)
}

/// Ends all groups, as far as the endpoint still answers.
pub(super) async fn dissolve_all(run: &Run) {
    let dissolving = run.rooms.iter().map(|room| async {
        let dissolve = Operation::dissolve_group(&room.group, &room.nodes[0]);
        let _ = Http::new(run.endpoint.clone()).call(&dissolve).await;
    });
    let all = stream::iter(dissolving).buffer_unordered(AT_ONCE).collect::<Vec<()>>();
    let _ = timeout(GOODBYE, all).await;
}

fn random() -> Result<u32, CallError> {
    getrandom::u32().map_err(|error| CallError::Broken(error.to_string()))
}
