//! A client of the API: its operations over HTTP, its subscription over a WebSocket.

mod endpoint;
mod health;
mod http;
pub mod operations;
mod realtime;
mod trust;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

pub use endpoint::{Endpoint, EndpointError};
pub use health::health;
pub use http::Http;
pub use realtime::{Group, KeyPlace, Subscription};
pub use trust::{Trust, parse_fingerprint};

/// The time limit of a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a call or a subscription failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no connection to the endpoint.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Host and port.
        address: String,
        /// The system's message.
        reason: String,
    },
    /// Nothing came in time.
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Timeout,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The endpoint refused, with the stable word of the API.
    #[error("{error_type}: {message}")]
    Refused {
        /// The word, as `GroupNotFound`.
        error_type: String,
        /// Its message.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("an answer that is none of this API: {0}")]
    Unreadable(String),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection to a host, encrypted where the endpoint is.
async fn connect(endpoint: &Endpoint, host: &str) -> Result<Box<dyn Stream>, CallError> {
    let address = format!("{host}:{}", endpoint.port);
    let failed = |reason: String| CallError::Connect { address: address.clone(), reason };
    let connecting = async {
        let socket = TcpStream::connect(&address).await.map_err(|error| failed(error.to_string()))?;
        socket.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
        let Some(config) = &endpoint.tls else { return Ok(Box::new(socket) as Box<dyn Stream>) };
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|error| failed(error.to_string()))?;
        let socket = TlsConnector::from(config.clone()).connect(name, socket).await;
        Ok(Box::new(socket.map_err(|error| failed(error.to_string()))?) as Box<dyn Stream>)
    };
    timeout(PATIENCE, connecting).await.map_err(|_| CallError::Timeout)?
}
