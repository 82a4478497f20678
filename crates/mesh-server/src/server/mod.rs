//! Listeners and connections: from a socket to a served request, within limits, until the server stops.

mod spare_socket;
pub mod tls;
pub(crate) mod write_timeout;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, interval, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::http::{App, Peer, app};
use crate::limits::Limits;
use crate::limits::connections::Connections;
use spare_socket::SpareSocket;
use write_timeout::WriteTimeout;

/// The longest time that a connection may take for a request's head, idle time before it included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// The same for a connection that is one more than allowed, and is told so.
const OVER_LIMIT_TIMEOUT: Duration = Duration::from_secs(5);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most that is read of a request at once. While as much of an answer waits, no more of it is made.
const READ_BUFFER: usize = 64 << 10;
const MAX_HEADERS: usize = 64;
/// The time between two sweeps of the store: a message about an expiry is late by no more.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);
/// Clients that have used nothing lately are forgotten after so many sweeps.
const SWEEPS_BETWEEN_FORGETTING: u64 = 20;
/// The longest time that a stopping server waits for running requests.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);
/// The time between two log lines that say that the machine has no more sockets.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);
/// The pause when the machine has no more sockets.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// A server that is ready to run.
pub struct Server {
    /// Bound sockets, each with whether it is a loopback one.
    pub listeners: Vec<TcpListener>,
    /// Ends TLS, if it is wanted.
    pub tls: Option<TlsAcceptor>,
    /// Counts connections and limits them.
    pub connections: Arc<Connections>,
    /// Serves requests.
    pub app: Arc<App>,
}

impl Server {
    /// Serves until `stop` is ready, then finishes what runs, closes every WebSocket with a reason,
    /// and commits what is left.
    ///
    /// # Errors
    ///
    /// A listener's failure.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (stopping, stopped) = watch::channel(false);
        let router = app(self.app.clone());
        let mut tasks = Vec::new();
        for listener in self.listeners {
            let accepting = Accepting {
                through_loopback: listener.local_addr()?.ip().to_canonical().is_loopback(),
                tls: self.tls.clone(),
                connections: self.connections.clone(),
                router: router.clone(),
                limits: self.app.limits.clone(),
                stopped: stopped.clone(),
            };
            tasks.push(tokio::spawn(accepting.run(listener)));
        }
        tasks.push(tokio::spawn(sweep(self.app.clone())));
        for _ in 0..Handle::current().metrics().num_workers() {
            let hub = self.app.realtime.hub.clone();
            tasks.push(tokio::spawn(async move { hub.dispatch().await }));
        }
        stop.await;
        tracing::info!("stopping");
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        // Nobody is left to tell if all connections have gone already.
        let _ = stopping.send(true);
        self.app.realtime.hub.close_all();
        self.app.board.registry.close_all();
        if timeout(STOP_TIMEOUT, self.connections.all_closed()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        self.app.context.store.close();
        Ok(())
    }
}

async fn sweep(app: Arc<App>) {
    let mut ticks = interval(SWEEP_INTERVAL);
    for tick in 0_u64.. {
        ticks.tick().await;
        if tick.is_multiple_of(SWEEPS_BETWEEN_FORGETTING) {
            app.limits.rates.forget_idle();
        }
        if let Err(error) = app.context.store.sweep(app.context.now()).await {
            tracing::debug!(%error, "the sweep failed");
        }
    }
}

/// The parts that serve one listener's connections.
#[derive(Clone)]
struct Accepting {
    through_loopback: bool,
    tls: Option<TlsAcceptor>,
    connections: Arc<Connections>,
    router: Router,
    limits: Arc<Limits>,
    stopped: watch::Receiver<bool>,
}

impl Accepting {
    async fn run(self, listener: TcpListener) {
        let mut spare = SpareSocket::new(self.tls.is_none());
        let mut last_warning: Option<Instant> = None;
        loop {
            match listener.accept().await {
                Ok((socket, from)) => {
                    tokio::spawn(self.clone().serve(socket, from));
                }
                Err(error) => {
                    if last_warning.is_none_or(|last| last.elapsed() > WARNING_INTERVAL) {
                        tracing::warn!(%error, "connections cannot be accepted; this is said once a minute");
                        last_warning = Some(Instant::now());
                    }
                    if !spare.shed(&listener).await {
                        tokio::time::sleep(ACCEPT_BACK_OFF).await;
                    }
                }
            }
        }
    }

    async fn serve(self, socket: TcpStream, from: SocketAddr) {
        // Without it, small messages wait for acknowledgements of earlier ones.
        let _ = socket.set_nodelay(true);
        let address = from.ip().to_canonical();
        let Some(admitted) = self.connections.admit(address) else { return };
        let peer = Peer {
            address,
            through_loopback: self.through_loopback,
            over_tls: self.tls.is_some(),
            over_limit: admitted.is_over_limit(),
            rate: self.limits.rates.connection(),
            open: Arc::new(admitted),
        };
        match self.tls.clone() {
            None => self.serve_http(socket, peer).await,
            Some(tls) => {
                if let Ok(Ok(socket)) = timeout(HANDSHAKE_TIMEOUT, tls.accept(socket)).await {
                    self.serve_http(socket, peer).await;
                }
            }
        }
    }

    async fn serve_http(mut self, socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let head_timeout = if peer.over_limit { OVER_LIMIT_TIMEOUT } else { HEAD_TIMEOUT };
        let router = self.router;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            let mut router = router.clone();
            async move {
                let response: Result<_, Infallible> = router.call(request).await;
                response
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(READ_BUFFER)
            // A clock before 1970 has no date that a header can say.
            .auto_date_header(SystemTime::now() >= SystemTime::UNIX_EPOCH)
            .serve_connection(TokioIo::new(WriteTimeout::new(socket)), service)
            .with_upgrades();
        tokio::pin!(connection);
        tokio::select! {
            // A client that breaks HTTP or goes away is its own loss.
            _ = &mut connection => {}
            _ = self.stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}
