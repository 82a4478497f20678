//! Full speed: connections that always have one mutation under way.

use std::sync::Arc;

use super::node::Node;
use super::run::Run;
use super::sender::Sender;
use crate::client::Http;

/// Full speed: each of so many connections always has one mutation under way.
pub(super) async fn play(run: &Arc<Run>, nodes: &[Node], connections: usize) {
    let lanes = connections.clamp(1, nodes.len().max(1));
    let mut playing = Vec::new();
    for lane in 0..lanes {
        // A node's mutations all go over one connection, so that their order is defined.
        let senders: Vec<_> =
            nodes.iter().skip(lane).step_by(lanes).map(|node| node.sender.clone()).collect();
        playing.push(tokio::spawn(play_lane(run.clone(), senders, lane)));
    }
    for lane in playing {
        // A lane that is gone sent what it sent.
        let _ = lane.await;
    }
}

async fn play_lane(run: Arc<Run>, senders: Vec<Sender>, lane: usize) {
    let mut http = Http::new(run.endpoint.clone());
    let end = run.load.duration();
    let batches = run.load.event_rate / (run.load.data_rate + run.load.event_rate);
    // Lanes do not fire all at once.
    let mut owed = batches * f64::from(u32::try_from(lane % 16).unwrap_or_default());
    for sender in senders.iter().cycle() {
        let now = run.elapsed();
        if now >= end || *run.stopped.borrow() {
            return;
        }
        owed += batches;
        let is_batch = owed >= 1.0;
        if is_batch {
            owed -= owed.floor();
        }
        sender.send(&run, &mut http, is_batch, now).await;
    }
}
