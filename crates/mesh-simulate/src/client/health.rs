//! The health check of a server.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1::handshake;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{CallError, Endpoint, PATIENCE, connect};

/// Asks the endpoint's path, as `http://127.0.0.1:4000/health`, on a connection of its own. No key is sent.
///
/// # Errors
///
/// Whatever keeps it from answering 200 in time.
pub async fn health(endpoint: &Endpoint) -> Result<(), CallError> {
    let status = timeout(PATIENCE, status(endpoint)).await.map_err(|_| CallError::Timeout)??;
    if status == StatusCode::OK { Ok(()) } else { Err(CallError::Unreadable(format!("HTTP {status}"))) }
}

async fn status(endpoint: &Endpoint) -> Result<StatusCode, CallError> {
    let broken = |error: hyper::Error| CallError::Broken(error.to_string());
    let stream = connect(endpoint, &endpoint.host).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(connection);
    let request = Request::get(&endpoint.path)
        .header("host", endpoint.authority(&endpoint.host))
        .body(Empty::<Bytes>::new())
        .map_err(|error| CallError::Unreadable(error.to_string()))?;
    Ok(sender.send_request(request).await.map_err(broken)?.status())
}
