//! The messages of a group over a WebSocket, by AppSync's realtime protocol.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::http::Refusal;
use super::{CallError, Endpoint, PATIENCE, Stream, connect};

/// The key of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its domain.
    pub domain: String,
}

/// The messages of one group, over a WebSocket of its own.
///
/// Source: AppSync developer guide, "Building a real-time WebSocket client".
pub struct Subscription {
    socket: WebSocketStream<Box<dyn Stream>>,
}

#[derive(Deserialize)]
struct Control {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    payload: Option<Payload>,
}

#[derive(Default, Deserialize)]
struct Payload {
    #[serde(default)]
    errors: Vec<Refusal>,
}

/// The place of the key when a client opens a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a sub-protocol, as aws-amplify does.
    SubProtocol,
    /// In the query, as aws-appsync does.
    Query,
}

impl Subscription {
    /// Opens a socket without a key, as living hosts do before they create a group, and closes it.
    ///
    /// # Errors
    ///
    /// Fails if the upgrade is refused, on which living hosts fall back to polling.
    pub async fn probe(endpoint: &Endpoint) -> Result<(), CallError> {
        let opened = timeout(PATIENCE, Self::upgraded(endpoint, "", "graphql-ws"));
        opened.await.map_err(|_| CallError::Timeout)??.close().await;
        Ok(())
    }

    /// Connects and subscribes with a document of [`operations`](super::operations); messages
    /// published from now on arrive.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the connection or the subscription is refused.
    pub async fn open(endpoint: &Endpoint, group: &Group, document: &str) -> Result<Self, CallError> {
        Self::open_with(endpoint, group, document, KeyPlace::SubProtocol).await
    }

    /// The same, with the key in that place.
    ///
    /// # Errors
    ///
    /// Fails if the socket, the key or the subscription is refused.
    pub async fn open_with(
        endpoint: &Endpoint,
        group: &Group,
        document: &str,
        key_place: KeyPlace,
    ) -> Result<Self, CallError> {
        Self::open_with_keys(endpoint, group, document, key_place, &endpoint.api_key).await
    }

    /// The same, with another key than the endpoint's where the subscription starts.
    ///
    /// # Errors
    ///
    /// Fails if the socket, a key or the subscription is refused.
    pub async fn open_with_keys(
        endpoint: &Endpoint,
        group: &Group,
        document: &str,
        key_place: KeyPlace,
        start_key: &str,
    ) -> Result<Self, CallError> {
        let opened = timeout(PATIENCE, Self::opened(endpoint, group, document, key_place, start_key));
        opened.await.map_err(|_| CallError::Timeout)?
    }

    /// A socket, upgraded and nothing more.
    async fn upgraded(endpoint: &Endpoint, query: &str, protocols: &str) -> Result<Self, CallError> {
        let unusable = |error: &dyn std::fmt::Display| CallError::Unreadable(error.to_string());
        let scheme = if endpoint.tls.is_some() { "wss" } else { "ws" };
        let authority = endpoint.authority(&endpoint.realtime_host);
        let url = format!("{scheme}://{authority}{}{query}", endpoint.realtime_path);
        let mut request = url.into_client_request().map_err(|error| unusable(&error))?;
        let protocols = HeaderValue::try_from(protocols).map_err(|error| unusable(&error))?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocols);
        let stream = connect(endpoint, &endpoint.realtime_host).await?;
        let (socket, _) = client_async(request, stream).await.map_err(broken)?;
        Ok(Self { socket })
    }

    async fn opened(
        endpoint: &Endpoint,
        group: &Group,
        document: &str,
        key_place: KeyPlace,
        start_key: &str,
    ) -> Result<Self, CallError> {
        let authorization = json!({"host": endpoint.host, "x-api-key": endpoint.api_key});
        let (query, protocols) = match key_place {
            KeyPlace::SubProtocol => {
                let header = URL_SAFE_NO_PAD.encode(authorization.to_string());
                (String::new(), format!("graphql-ws, header-{header}"))
            }
            KeyPlace::Query => {
                let header = STANDARD.encode(authorization.to_string());
                (format!("?header={header}&payload=e30="), "graphql-ws".to_owned())
            }
        };
        let mut subscription = Self::upgraded(endpoint, &query, &protocols).await?;
        subscription.send(json!({"type": "connection_init"}).to_string()).await?;
        subscription.wait_for("connection_ack").await?;
        let variables = json!({"groupId": group.id, "domain": group.domain});
        let data = json!({"query": document, "variables": variables}).to_string();
        let authorization = json!({"host": endpoint.host, "x-api-key": start_key});
        let payload = json!({"data": data, "extensions": {"authorization": authorization}});
        subscription.send(json!({"id": "1", "type": "start", "payload": payload}).to_string()).await?;
        subscription.wait_for("start_ack").await?;
        Ok(subscription)
    }

    async fn send(&mut self, text: String) -> Result<(), CallError> {
        self.socket.send(Message::text(text)).await.map_err(broken)
    }

    async fn wait_for(&mut self, kind: &str) -> Result<(), CallError> {
        loop {
            let text = self.next().await?;
            let control: Control =
                serde_json::from_str(&text).map_err(|error| CallError::Unreadable(error.to_string()))?;
            if control.kind == kind {
                return Ok(());
            }
            let refusal = control.payload.unwrap_or_default().errors.into_iter().next();
            match refusal {
                Some(refusal) => return Err(refusal.into()),
                None if control.kind == "ka" => {}
                None => return Err(CallError::Unreadable(format!("{} instead of {kind}", control.kind))),
            }
        }
    }

    /// The next frame of the protocol, as text.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the connection is over.
    pub async fn next(&mut self) -> Result<Utf8Bytes, CallError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(Some(frame)))) => return Err(CallError::Broken(frame.to_string())),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
                None => return Err(CallError::Broken("closed".to_owned())),
            }
        }
    }

    /// Says goodbye, as far as the other side still listens.
    pub async fn close(mut self) {
        let _ = timeout(PATIENCE, self.socket.close(None)).await;
    }
}

fn broken(error: Error) -> CallError {
    match error {
        Error::Http(response) => CallError::Unreadable(format!("HTTP {} to the upgrade", response.status())),
        other => CallError::Broken(other.to_string()),
    }
}
