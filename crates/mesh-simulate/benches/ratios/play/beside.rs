//! A load, beside something else that the server carries.

use std::io;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use mesh_simulate::client::operations::{Membership, Operation, SUBSCRIPTION};
use mesh_simulate::client::{CallError, Group, Http, Subscription};
use mesh_simulate::load::Load;
use mesh_simulate::server_use::{Reading, resident_bytes};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
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
    for number in 0..boards {
        open.spawn(read_board(contender.authority().to_owned(), number));
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

/// Reads what a board is told, until the server ends. Of the first groups that it is told, it shows the one of that number.
async fn read_board(authority: String, number: usize) -> io::Result<()> {
    let mut lines = BufReader::new(send(&authority, "GET /admin/board", b"", b"200").await?).lines();
    let mut has_group = false;
    while let Some(line) = lines.next_line().await? {
        let Some(update) = line.strip_prefix("data: ").filter(|_| !has_group) else { continue };
        let update: Value = serde_json::from_str(update)?;
        let groups = update["groups"].as_array().map_or(&[][..], Vec::as_slice);
        if let Some(group) = groups.get(number).or(groups.last()) {
            let body = json!({"board": update["board"], "groupId": group["id"]}).to_string();
            send(&authority, "POST /admin/open", body.as_bytes(), b"204").await?;
            has_group = true;
        }
    }
    Ok(())
}

/// Sends a teacher's request, and reads the status that is expected.
async fn send(authority: &str, what: &str, body: &[u8], status: &[u8]) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(authority).await?;
    let head = format!(
        "{what} HTTP/1.1\r\nhost: {authority}\r\nx-admin-key: {ADMIN_KEY}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut begin = [0; 12];
    socket.read_exact(&mut begin).await?;
    if !begin.ends_with(status) {
        return Err(io::Error::other(format!("{what} is refused")));
    }
    Ok(socket)
}
