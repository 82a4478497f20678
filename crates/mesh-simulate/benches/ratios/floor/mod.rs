//! The least that a server of classrooms can do: the same HTTP, the same frames, nothing else.
//!
//! No GraphQL, no keys, no store, no checks, no durability: it finds the operation's name and its
//! variables, makes one message and hands it to the sockets of the group. What it needs is what the
//! machine needs; what Mesh needs more is Mesh's own. Not a server to use.

mod http;
mod operations;
mod realtime;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::net::TcpListener;

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

/// Serves until it is killed; says where on standard output, as `mesh serve` does.
pub(crate) fn serve() {
    // As many threads as `mesh serve` has: one for each processor.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("The floor listens on http://{}/graphql", listener.local_addr().unwrap());
        // A task, so that it runs where the connections' tasks do.
        tokio::spawn(accept(listener)).await.unwrap();
    });
}

async fn accept(listener: TcpListener) {
    let groups = Arc::new(Groups::default());
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        // A connection that breaks ends its task and nothing else.
        tokio::spawn(http::serve(groups.clone(), socket));
    }
}
