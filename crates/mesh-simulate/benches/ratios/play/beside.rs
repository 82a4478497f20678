//! A load, beside something else that the server carries.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use mesh_simulate::client::operations::{Membership, Operation, SUBSCRIPTION};
use mesh_simulate::client::{CallError, Group, Http, Subscription};
use mesh_simulate::load::Load;
use mesh_simulate::server_use::{Reading, resident_bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{AT_ONCE, Sample, observe};
use crate::contender::{ADDRESSES, ADMIN_KEY, Contender};
use crate::scenarios::figure;

/// Idle subscriptions of each group, as in a class.
const IDLE_IN_GROUP: usize = 40;

/// A load before, and then beside, so many subscriptions where nothing happens.
pub(super) async fn idle(
    contender: &Contender,
    active: &Load,
    connections: usize,
    quiet: Duration,
) -> Sample {
    let resident = || resident_bytes(contender.process()).unwrap() as f64;
    // Before anything: memory that the active load freed would make the idle look cheaper.
    let resident_before = resident();
    let before = observe(contender, active).await;
    let subscriptions = subscribe(contender, connections).await.unwrap();
    let resident_after = resident();
    let reading = Reading::of(contender.process()).unwrap();
    tokio::time::sleep(quiet).await;
    let used = reading.until_now().unwrap();
    let after = observe(contender, active).await;
    drop(subscriptions);
    vec![
        (figure::RESIDENT_PER_CONNECTION, (resident_after - resident_before) / connections as f64 / 1e3),
        (figure::CORES_IDLE, used.cores),
        (figure::P99, before.p99()),
        (figure::P99_BESIDE, after.p99()),
        (figure::P99_GROWTH, after.p99() / before.p99()),
        (figure::FAULTS, before.faults() + after.faults()),
    ]
}

/// Opens subscriptions to groups where nothing happens, half of them at each address.
async fn subscribe(contender: &Contender, connections: usize) -> Result<Vec<Subscription>, CallError> {
    let mut http = Http::new(contender.endpoint.clone());
    let mut groups = Vec::new();
    for number in 0..connections.div_ceil(IDLE_IN_GROUP) {
        let domain = format!("idle {}", number / 500);
        let create = Operation::create_group("idle", &format!("host {number}"), &domain);
        let created: Membership = http.result(&create).await?;
        groups.push(Group { id: created.id, domain });
    }
    let endpoints = ADDRESSES.map(|address| contender.endpoint_at(address));
    let places = groups.iter().cycle().take(connections).zip(endpoints.iter().cycle());
    let opening = places.map(|(group, endpoint)| Subscription::open(endpoint, group, SUBSCRIPTION));
    stream::iter(opening).buffer_unordered(AT_ONCE).try_collect().await
}

/// A load before, and then beside, so many boards of a teacher.
pub(super) async fn boards(contender: &Contender, active: &Load, boards: usize) -> Sample {
    let before = observe(contender, active).await;
    let mut open = JoinSet::new();
    for _ in 0..boards {
        open.spawn(read_board(contender.authority().to_owned()));
    }
    let after = observe(contender, active).await;
    assert_eq!(open.len(), boards, "a board ended");
    assert!(open.try_join_next().is_none(), "a board was refused");
    vec![
        (figure::CPU, before.cpu_per_delivery()),
        (figure::CPU_BESIDE, after.cpu_per_delivery()),
        (figure::P99, before.p99()),
        (figure::P99_BESIDE, after.p99()),
        (figure::P99_GROWTH, after.p99() / before.p99()),
        (figure::FAULTS, before.faults() + after.faults()),
    ]
}

/// Reads what a board is told, until the server ends.
async fn read_board(authority: String) -> std::io::Result<u64> {
    let mut socket = TcpStream::connect(&authority).await?;
    let request =
        format!("GET /admin/board HTTP/1.1\r\nhost: {authority}\r\nx-admin-key: {ADMIN_KEY}\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut status = [0; 12];
    socket.read_exact(&mut status).await?;
    if !status.ends_with(b"200") {
        return Err(std::io::Error::other("the board is refused"));
    }
    tokio::io::copy(&mut socket, &mut tokio::io::sink()).await
}
