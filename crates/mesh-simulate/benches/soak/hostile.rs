//! Clients that a server should not have: they send garbage, do not finish, or do not read.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mesh_simulate::client::operations::{Item, Membership, Operation, SUBSCRIPTION};
use mesh_simulate::client::{CallError, Endpoint, Group, Http, Subscription};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep, timeout};

use crate::process::API_KEY;

/// The pause between two pieces of garbage, and between two large messages.
const PAUSE: Duration = Duration::from_millis(100);
/// The time for which a client waits for an answer to garbage, and stays with something unfinished.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time for which a slow reader reads nothing; the server cuts it before.
const UNREAD: Duration = Duration::from_secs(40);
/// Slow readers at once.
const SLOW_READERS: usize = 4;
/// Bytes of the messages that they do not read.
const LARGE: usize = 30_000;

/// Hostile clients, which call until this process ends.
pub(crate) struct Hostile {
    counts: Arc<Counts>,
}

/// What they did.
#[derive(Default)]
pub(crate) struct Counts {
    garbage: AtomicU64,
    unread: AtomicU64,
    slow_readers: AtomicU64,
}

impl Hostile {
    /// Lets them call a server on this machine.
    pub(crate) fn start(endpoint: &Arc<Endpoint>) -> Self {
        let counts = Arc::<Counts>::default();
        tokio::spawn(send_garbage(endpoint.clone(), counts.clone()));
        tokio::spawn(read_slowly(endpoint.clone(), counts.clone()));
        Self { counts }
    }

    /// What they did so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (garbage, readers, unread) = (read(&self.garbage), read(&self.slow_readers), read(&self.unread));
        write!(f, "{garbage} pieces of garbage; {readers} slow readers, who left {unread} messages unread")
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Sends one piece of garbage after the other, each on a connection of its own.
async fn send_garbage(endpoint: Arc<Endpoint>, counts: Arc<Counts>) {
    let url = endpoint.url();
    let address = url.split('/').nth(2).unwrap_or_default().to_owned();
    let mut ticks = interval(PAUSE);
    for number in 0_usize.. {
        ticks.tick().await;
        let garbage = garbage(number, &address);
        let address = address.clone();
        let counts = counts.clone();
        tokio::spawn(async move {
            let Ok(mut socket) = TcpStream::connect(&address).await else { return };
            // The server may close before it has read all of it.
            let _ = socket.write_all(&garbage).await;
            let _ = timeout(PATIENCE, socket.read_to_end(&mut Vec::new())).await;
            count(&counts.garbage);
        });
    }
}

/// Noise, alone or behind the beginning of something right.
fn garbage(number: usize, host: &str) -> Vec<u8> {
    let mut noise = vec![0; 1 + number * 37 % 4_000];
    getrandom::fill(&mut noise).unwrap();
    let post = |key: &str, length: usize| {
        format!(
            "POST /graphql HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let upgrade = format!(
        "GET /graphql/realtime HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: graphql-ws\r\n\r\n"
    );
    let head = match number % 6 {
        0 => String::new(),
        1 => "GET /".to_owned(),
        2 => post("da2-wrong", noise.len()),
        3 => post(API_KEY, noise.len()),
        // The rest of this body never comes.
        4 => post(API_KEY, 500_000),
        _ => upgrade,
    };
    [head.into_bytes(), noise].concat()
}

/// Keeps a group whose listeners do not read, and makes a new one when it has ended.
async fn read_slowly(endpoint: Arc<Endpoint>, counts: Arc<Counts>) {
    loop {
        if let Err(error) = one_group(&endpoint, &counts).await {
            println!("  a slow reader: {error}");
            sleep(UNREAD).await;
        }
    }
}

/// A group with listeners that do not read; they change until it ends.
async fn one_group(endpoint: &Arc<Endpoint>, counts: &Counts) -> Result<(), CallError> {
    let mut http = Http::new(endpoint.clone());
    let domain = "slow-readers".to_owned();
    let created: Membership = http.result(&Operation::create_group("slow", "host", &domain)).await?;
    let group = Group { id: created.id, domain };
    let large = Item { key: "large".to_owned(), value: "x".repeat(LARGE) };
    let report = Operation::report_data(&group, "host", &[large]);
    let renew = Operation::renew_heartbeat(&group, "host");
    for _ in 0..3 {
        http.call(&renew).await?;
        let mut readers = Vec::new();
        for _ in 0..SLOW_READERS {
            readers.push(Subscription::open(endpoint, &group, SUBSCRIPTION).await?);
            count(&counts.slow_readers);
        }
        let messages = UNREAD.as_millis() / PAUSE.as_millis();
        for _ in 0..messages {
            http.call(&report).await?;
            count(&counts.unread);
            sleep(PAUSE).await;
        }
        drop(readers);
    }
    http.call(&Operation::dissolve_group(&group, "host")).await
}
