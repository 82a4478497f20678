//! A WebSocket that speaks AppSync's realtime protocol.

#![allow(clippy::missing_errors_doc, reason = "a test sees how the socket ended")]

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::EVERYTHING;

/// The longest time that a message may take; only a broken test waits so long.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A WebSocket that speaks what a test says.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    pub response: Response,
}

impl Socket {
    /// Opens a socket as aws-appsync does: the key in the query, as base64.
    pub async fn open(address: SocketAddr, key: &str) -> Self {
        let header = STANDARD.encode(json!({"host": "localhost", "x-api-key": key}).to_string());
        let path = format!("/graphql/realtime?header={header}&payload=e30=");
        Self::upgrade(address, &path, &[("sec-websocket-protocol", "graphql-ws")]).await.unwrap()
    }

    /// Opens a socket with just these headers.
    pub async fn upgrade(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let name: hyper::header::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (stream, response) = client_async(request, socket).await?;
        Ok(Self { stream, response })
    }

    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next message that is no keep-alive.
    pub async fn next(&mut self) -> Value {
        loop {
            let message = self.frame().await;
            let Some(Message::Text(text)) = message else { panic!("no text: {message:?}") };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["type"] != "ka" {
                return message;
            }
        }
    }

    /// The next frame but pings; none at the end.
    pub async fn frame(&mut self) -> Option<Message> {
        loop {
            match timeout(TIMEOUT, self.stream.next()).await.expect("a frame in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The code and the reason of the close that must come next, whatever comes before it.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Message::Close(Some(close))) => return (close.code.into(), close.reason.to_string()),
                Some(Message::Close(None)) | None => panic!("closed without a code"),
                Some(_) => {}
            }
        }
    }

    pub async fn init(&mut self) {
        self.send(json!({"type": "connection_init"})).await;
        let ack = self.next().await;
        assert_eq!(ack, json!({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}}));
    }

    /// Sends `start` without waiting for its answer.
    pub async fn start(&mut self, id: &str, request: Value, authorization: Option<Value>) {
        let mut payload = json!({"data": request.to_string()});
        if let Some(authorization) = authorization {
            payload["extensions"] = json!({"authorization": authorization});
        }
        self.send(json!({"id": id, "type": "start", "payload": payload})).await;
    }

    /// Subscribes to every field of a group's messages.
    pub async fn subscribe(&mut self, id: &str, group: &str, domain: &str) {
        let query = format!(
            "subscription ($g: ID!, $d: String!) {{ onMessageInGroup(groupId: $g, domain: $d) {{ {EVERYTHING} }} }}"
        );
        self.start(id, json!({"query": query, "variables": {"g": group, "d": domain}}), None).await;
        assert_eq!(self.next().await, json!({"id": id, "type": "start_ack"}));
    }

    /// The next message of a subscription.
    pub async fn data(&mut self, id: &str) -> Value {
        let mut message = self.next().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("data"), &json!(id)), "{message}");
        message["payload"]["data"]["onMessageInGroup"].take()
    }

    /// Makes sure that nothing came: an unknown message is answered behind everything before it.
    pub async fn heard_nothing(&mut self) {
        self.send(json!({"type": "marker"})).await;
        let answer = self.next().await;
        assert_eq!(answer["payload"]["errors"][0]["errorType"], "UnsupportedOperation", "{answer}");
    }

    pub async fn close(&mut self) {
        self.stream.close(None).await.unwrap();
    }

    /// Sends raw bytes below the protocol.
    pub async fn raw(&mut self, bytes: &[u8]) {
        use tokio::io::AsyncWriteExt;
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// Opens with an `Origin`.
    pub async fn of_origin(address: SocketAddr, origin: &str) -> Result<Self, Error> {
        Self::upgrade(address, "/graphql/realtime", &[("origin", origin)]).await
    }
}
