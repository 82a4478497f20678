//! Operations over HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tokio::time::timeout;

use super::operations::Operation;
use super::{CallError, Endpoint, PATIENCE, connect};

/// A connection that nobody used for so long may be closed by the server any moment.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// One keep-alive connection, made when it is needed; one request at a time.
pub struct Http {
    endpoint: Arc<Endpoint>,
    /// Sent as `x-forwarded-for`, if anything.
    forwarded_for: Option<&'static str>,
    connection: Option<(SendRequest<Full<Bytes>>, Instant)>,
}

#[derive(Deserialize)]
struct Answer<T> {
    #[serde(default = "Option::default")]
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

/// One entry of an answer's `errors`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refusal {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    message: String,
}

impl From<Refusal> for CallError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { error_type: refusal.error_type, message: refusal.message }
    }
}

impl Http {
    /// A connection to an endpoint, not yet made.
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        Self { endpoint, forwarded_for: None, connection: None }
    }

    /// The same, which says that its requests come from that address.
    #[must_use]
    pub fn forwarded_for(self, address: &'static str) -> Self {
        Self { forwarded_for: Some(address), ..self }
    }

    /// Calls an operation whose result does not matter.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the connection breaks, or the API refuses the call.
    pub async fn call(&mut self, operation: &Operation) -> Result<(), CallError> {
        self.ask::<IgnoredAny>(operation).await.map(drop)
    }

    /// Calls an operation and answers its result.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the connection breaks, the API refuses the call, or the answer has another shape.
    pub async fn result<T: DeserializeOwned>(&mut self, operation: &Operation) -> Result<T, CallError> {
        let mut data: Value = self.ask(operation).await?;
        let result = data.get_mut(operation.field).map(Value::take).unwrap_or_default();
        serde_json::from_value(result).map_err(|error| CallError::Unreadable(error.to_string()))
    }

    async fn ask<T: DeserializeOwned>(&mut self, operation: &Operation) -> Result<T, CallError> {
        let posted = timeout(PATIENCE, self.post(operation.body.clone())).await;
        let (status, body) = match posted {
            Ok(Ok(posted)) => posted,
            Ok(Err(error)) => {
                self.connection = None;
                return Err(error);
            }
            Err(_) => {
                self.connection = None;
                return Err(CallError::Timeout);
            }
        };
        let answer: Answer<T> = match serde_json::from_slice(&body) {
            Ok(answer) => answer,
            Err(error) => return Err(CallError::Unreadable(format!("HTTP {status}, {error}"))),
        };
        match (answer.errors.into_iter().next(), answer.data) {
            (Some(refusal), _) => Err(refusal.into()),
            (None, Some(data)) if status == StatusCode::OK => Ok(data),
            _ => Err(CallError::Unreadable(format!("HTTP {status} without data"))),
        }
    }

    async fn post(&mut self, body: Bytes) -> Result<(StatusCode, Bytes), CallError> {
        let broken = |error: hyper::Error| CallError::Broken(error.to_string());
        let endpoint = self.endpoint.clone();
        let mut sender = self.connection().await?;
        let mut request = Request::post(&endpoint.path);
        if let Some(address) = self.forwarded_for {
            request = request.header("x-forwarded-for", address);
        }
        let request = request
            .header("host", endpoint.authority(&endpoint.host))
            .header("content-type", "application/json")
            .header("x-api-key", &endpoint.api_key)
            .body(Full::new(body))
            .map_err(|error| CallError::Unreadable(error.to_string()))?;
        let response = match sender.try_send_request(request).await {
            Ok(response) => response,
            // Given back, so it was not sent: sending it on a new connection repeats nothing.
            Err(mut unsent) => match unsent.take_message() {
                None => return Err(broken(unsent.into_error())),
                Some(request) => {
                    self.connection = None;
                    sender = self.connection().await?;
                    sender.send_request(request).await.map_err(broken)?
                }
            },
        };
        let status = response.status();
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        self.connection = Some((sender, Instant::now()));
        Ok((status, body))
    }

    /// The connection, taken out until its answer is complete.
    async fn connection(&mut self) -> Result<SendRequest<Full<Bytes>>, CallError> {
        if let Some((mut sender, used)) = self.connection.take()
            && used.elapsed() < MAX_IDLE
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let stream = connect(&self.endpoint, &self.endpoint.host).await?;
        let made = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|error| CallError::Broken(error.to_string()))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
