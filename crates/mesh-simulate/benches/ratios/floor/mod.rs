//! The least that a server of classrooms can do: the same HTTP, the same frames, nothing else.
//!
//! No GraphQL, no keys, no store, no checks, no durability: it finds the operation's name and its
//! variables, makes one message and hands it to the sockets of the group. What it needs is what the
//! machine needs; what Mesh needs more is Mesh's own. Not a server to use.

mod http;
mod operations;
mod realtime;
mod tls;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::contender::ADDRESSES;
use realtime::Subscriber;

/// The sockets of each group, by its id.
#[derive(Default)]
struct Groups {
    created: AtomicU64,
    subscribers: RwLock<HashMap<String, Vec<Arc<Subscriber>>>>,
}

impl Groups {
    /// Hands a message to all sockets of a group.
    fn publish(&self, group: &str, message: &str) {
        let message = Bytes::from(message.to_owned());
        for subscriber in self.subscribers.read().get(group).into_iter().flatten() {
            subscriber.queue(message.clone());
        }
    }
}

/// Serves on a port until it is killed; says where on standard output, as `mesh serve` does.
pub(crate) fn serve(port: u16, encrypts: bool) {
    // As many threads as `mesh serve` has: one for each processor.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let groups = Arc::new(Groups::default());
        let tls = encrypts.then(tls::acceptor);
        let mut accepting = JoinSet::new();
        for address in ADDRESSES {
            let listener = TcpListener::bind((address, port)).await.unwrap();
            // A task, so that it runs where the connections' tasks do.
            accepting.spawn(accept(listener, groups.clone(), tls.clone()));
        }
        let scheme = if encrypts { "https" } else { "http" };
        println!("The floor listens on {scheme}://{}:{port}/graphql", ADDRESSES[0]);
        accepting.join_all().await;
    });
}

async fn accept(listener: TcpListener, groups: Arc<Groups>, tls: Option<TlsAcceptor>) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let groups = groups.clone();
        // A connection that breaks ends its task and nothing else.
        match tls.clone() {
            None => tokio::spawn(http::serve(groups, socket)),
            Some(tls) => tokio::spawn(async move { http::serve(groups, tls.accept(socket).await?).await }),
        };
    }
}
