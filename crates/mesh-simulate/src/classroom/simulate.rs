//! A run from its first group to its report.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;

use super::node::Node;
use super::run::{Run, Snapshot};
use super::{SetupError, lanes, setup};
use crate::check::Faults;
use crate::client::Endpoint;
use crate::load::Load;
use crate::report::Report;

/// The interval at which the watcher is told.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Plays a load against an endpoint, until it is over or `stop` is ready, and reports.
///
/// The load is an open loop: what is due is due, however slow the endpoint is, and latencies count
/// from then.
///
/// # Errors
///
/// [`SetupError`] if the groups or nodes cannot be made; what fails later is in the report.
pub async fn simulate(
    endpoint: Arc<Endpoint>,
    load: &Load,
    watch: impl Fn(&Snapshot),
    stop: impl Future<Output = ()>,
) -> Result<Report, SetupError> {
    let watched = |run: &Run| watch(&run.snapshot());
    tokio::pin!(stop);
    let rooms = setup::create_groups(&endpoint, load).await?;
    let run = Arc::new(Run::new(endpoint, load.clone(), rooms));
    let mut ticks = interval(WATCH_INTERVAL);

    let joining = setup::join_all(&run);
    tokio::pin!(joining);
    let joined = loop {
        tokio::select! {
            joined = &mut joining => break joined,
            _ = ticks.tick() => watched(&run),
            () = &mut stop => break Err(SetupError::Stopped),
        }
    };
    let nodes = match joined {
        Ok(nodes) => nodes,
        Err(error) => {
            setup::dissolve_all(&run).await;
            return Err(error);
        }
    };

    run.begin();
    let playing = play(&run, nodes);
    tokio::pin!(playing);
    let mut stopped_at = None;
    let nodes = loop {
        tokio::select! {
            nodes = &mut playing => break nodes,
            _ = ticks.tick() => watched(&run),
            () = &mut stop, if stopped_at.is_none() => {
                stopped_at = Some(run.elapsed());
                run.stopped.send_replace(true);
            }
        }
    };
    let faults = finish(&run, nodes).await;
    watched(&run);
    setup::dissolve_all(&run).await;
    Ok(run.report(faults, stopped_at))
}

/// Until every node has sent what it had to.
async fn play(run: &Arc<Run>, nodes: Vec<Node>) -> Vec<Node> {
    if let Some(connections) = run.load.max_connections {
        lanes::play(run, &nodes, connections).await;
        return nodes;
    }
    let playing: Vec<_> = nodes.into_iter().map(|node| tokio::spawn(node.play())).collect();
    let mut played = Vec::new();
    for node in playing {
        played.extend(node.await);
    }
    played
}

/// Until every receiver has what it must have, or has waited long enough.
async fn finish(run: &Run, nodes: Vec<Node>) -> Faults {
    let until = run.micros();
    let mut finishing: Vec<_> = nodes.into_iter().filter_map(|node| node.finish(until)).collect();
    finishing.append(&mut run.finishing.lock());
    let mut faults = Faults::default();
    for receiver in finishing {
        // A task that panicked has found nothing; there is none.
        faults += receiver.await.unwrap_or_default();
    }
    faults
}
