//! Calls one after the other: what a handshake and a read cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use mesh_simulate::client::operations::{EventInput, Item, Membership, Operation};
use mesh_simulate::client::{CallError, Endpoint, Group, Http};
use mesh_simulate::server_use::Reading;
use serde_json::json;

use super::{AT_ONCE, Sample};
use crate::contender::{ADDRESSES, Contender};
use crate::scenarios::figure;

/// Handshakes of each kind.
const HANDSHAKES: usize = 500;
/// Groups of a domain, which is full with them.
const GROUPS_IN_DOMAIN: usize = 1_000;

/// The server's CPU for clients that come in for the first time, and for those who come back.
pub(super) async fn handshakes(contender: &Contender) -> Sample {
    let known = contender.endpoint.clone();
    let strangers: Vec<_> = (0..HANDSHAKES).map(|_| contender.endpoint_at(ADDRESSES[0])).collect();
    let once = Operation::new("__typename", "{ __typename }", &json!({}));
    Http::new(known.clone()).call(&once).await.unwrap();
    let whole = cpu_of(contender, strangers, &once).await.unwrap();
    let resumed = cpu_of(contender, vec![known; HANDSHAKES], &once).await.unwrap();
    vec![(figure::CPU_HANDSHAKE, whole), (figure::CPU_RESUMED, resumed)]
}

/// Microseconds of the server for a connection with one call, over each of these endpoints.
async fn cpu_of(
    contender: &Contender,
    endpoints: Vec<Arc<Endpoint>>,
    call: &Operation,
) -> Result<f64, CallError> {
    let count = endpoints.len() as f64;
    let reading = Reading::of(contender.process()).unwrap();
    for endpoint in endpoints {
        Http::new(endpoint).call(call).await?;
    }
    Ok(reading.until_now().unwrap().cpu_seconds * 1e6 / count)
}

/// The server's CPU for one read of each kind, from a store that is full.
pub(super) async fn reads(contender: &Contender, groups: usize, nodes: usize, length: Duration) -> Sample {
    let domains = groups / GROUPS_IN_DOMAIN;
    let group = fill(contender, domains, nodes).await.unwrap();
    let search = Operation::new(
        "searchGroupsByNamePrefix",
        "query Search($namePrefix: String!) { searchGroupsByNamePrefix(namePrefix: $namePrefix) { id name domain } }",
        // Eleven groups of each domain are called so; ten are answered.
        &json!({"namePrefix": "g99"}),
    );
    let reads = [
        (figure::CPU_STATUSES, Operation::list_group_statuses(&group)),
        (figure::CPU_SEARCH, search),
        (figure::CPU_POLL, Operation::poll_group_data(&group, "")),
    ];
    let mut sample = Vec::new();
    for (figure, read) in reads {
        let mut http = Http::new(contender.endpoint.clone());
        let reading = Reading::of(contender.process()).unwrap();
        let (began, mut count) = (Instant::now(), 0_u32);
        while began.elapsed() < length / 3 {
            http.call(&read).await.unwrap();
            count += 1;
        }
        sample.push((figure, reading.until_now().unwrap().cpu_seconds * 1e6 / f64::from(count)));
    }
    sample
}

/// Fills domains with groups, and the last group with nodes that have a value each, and with events.
async fn fill(contender: &Contender, domains: usize, nodes: usize) -> Result<Group, CallError> {
    let endpoint = &contender.endpoint;
    let creating = (0..domains * GROUPS_IN_DOMAIN).map(|number| async move {
        let domain = format!("domain {}", number / GROUPS_IN_DOMAIN);
        let name = format!("g{}", number % GROUPS_IN_DOMAIN);
        let create = Operation::create_group(&name, &format!("host {number}"), &domain);
        let created: Membership = Http::new(endpoint.clone()).result(&create).await?;
        Ok::<_, CallError>(Group { id: created.id, domain })
    });
    let groups: Vec<_> = stream::iter(creating).buffered(AT_ONCE).try_collect().await?;
    let group = groups[groups.len() - 1].clone();
    let mut http = Http::new(endpoint.clone());
    for node in 1..nodes {
        let node = format!("node {node}");
        http.call(&Operation::join_group(&group, &node, false, None)).await?;
        let item = Item { key: "value".to_owned(), value: node.clone() };
        http.call(&Operation::report_data(&group, &node, &[item])).await?;
    }
    let event = EventInput {
        event_name: "event".to_owned(),
        payload: None,
        fired_at: "2026-01-01T00:00:00.000Z".to_owned(),
        order_key: None,
    };
    http.call(&Operation::record_events(&group, "node 1", &vec![event; 100])).await?;
    Ok(group)
}
