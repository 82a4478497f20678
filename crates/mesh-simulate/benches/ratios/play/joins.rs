//! Classes that come in: each program joins and subscribes.

use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use mesh_simulate::client::operations::{Membership, Operation, SUBSCRIPTION};
use mesh_simulate::client::{CallError, Endpoint, Group, Http, Subscription};
use mesh_simulate::server_use::Reading;

use super::Sample;
use crate::contender::Contender;
use crate::scenarios::figure;

/// Classes whose programs all enter in the same second, one class after the other.
pub(super) async fn joins(contender: &Contender, classes: usize, nodes: usize) -> Sample {
    let reading = Reading::of(contender.process()).unwrap();
    let (mut longest, mut programs) = (Vec::new(), Vec::new());
    for class in 0..classes {
        let began = Instant::now();
        programs.push(enter(&contender.endpoint, class, nodes).await.unwrap());
        longest.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let used = reading.until_now().unwrap();
    longest.sort_by(f64::total_cmp);
    vec![
        (figure::ENTERED, longest[longest.len() / 2]),
        (figure::CPU_JOIN, used.cpu_seconds * 1e6 / (classes * nodes) as f64),
    ]
}

/// Lets a whole class join and subscribe at once, each program over connections of its own.
async fn enter(endpoint: &Arc<Endpoint>, class: usize, nodes: usize) -> Result<Vec<Subscription>, CallError> {
    let domain = "classes".to_owned();
    let create = Operation::create_group("class", &format!("host {class}"), &domain);
    let created: Membership = Http::new(endpoint.clone()).result(&create).await?;
    let group = Group { id: created.id, domain };
    let programs = (0..nodes).map(|node| {
        let (endpoint, group) = (endpoint.clone(), group.clone());
        async move {
            let join = Operation::join_group(&group, &format!("program {class} {node}"), true, None);
            Http::new(endpoint.clone()).call(&join).await?;
            Subscription::open(&endpoint, &group, SUBSCRIPTION).await
        }
    });
    stream::iter(programs).buffer_unordered(nodes).try_collect().await
}
