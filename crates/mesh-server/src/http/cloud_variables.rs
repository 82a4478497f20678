//! The upgrade to a socket for Scratch's cloud variables. The key stands in the path, as clients can send it nowhere
//! else.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use mesh_core::ErrorType;
use tokio::io::{AsyncRead, AsyncWrite};

use super::upgrade::{self, Handshake, SocketService};
use super::{App, Peer, answer, caller};
use crate::cloud_variables::connection::{self, CloudVariables};
use crate::limits::rates::{ConnectionRate, Work};
use crate::realtime::socket::Socket;

/// A player's socket.
struct PlayerSocket {
    cloud_variables: Arc<CloudVariables>,
    address: IpAddr,
    rate: ConnectionRate,
}

impl SocketService for PlayerSocket {
    async fn serve<R, W>(self, socket: Socket<R, W>)
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        connection::serve(self.cloud_variables, self.address, self.rate, socket).await;
    }
}

/// GET /cloud/KEY, as an upgrade.
pub(super) async fn serve(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    mut request: Request,
) -> Response<Body> {
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return answer::internal("a request came without its peer");
    };
    if app.origins.admit(request.headers(), peer.through_loopback, &app.hosts).is_err() {
        app.refused_origins.note(request.headers());
        return answer::foreign_origin();
    }
    if peer.over_limit {
        return answer::too_many_connections();
    }
    let Some(address) = caller(&app, &peer, request.headers()) else { return answer::unknown_caller() };
    if !app.keys.admits(key.as_bytes()) {
        app.metrics.refused(ErrorType::UnauthorizedException);
        let admitted = app.limits.rates.admit(address, Work::Garbage, 1);
        return admitted.map_or_else(answer::too_much, |()| answer::unauthorized());
    }
    if !upgrade::is_wanted(&request) {
        return answer::only_web_sockets();
    }
    if let Err(too_much) = app.limits.rates.admit(address, Work::Upgrades, 1) {
        return answer::too_much(too_much);
    }
    let handshake = match Handshake::read(&mut request) {
        Ok(handshake) => handshake,
        Err(refusal) => return *refusal,
    };
    let (cloud_variables, rate) = (app.cloud_variables.clone(), peer.rate.clone());
    handshake.accept(None, PlayerSocket { cloud_variables, address, rate }, peer)
}
