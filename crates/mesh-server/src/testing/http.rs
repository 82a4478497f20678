//! Requests over HTTP, one keep-alive connection a client.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::KEY;

/// One keep-alive connection.
pub struct Client {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        Self { address, sender }
    }

    /// Sends a request with just these headers beside `host`.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response { status: parts.status, headers: parts.headers, body }
    }

    /// Posts a body to /graphql with the right key.
    pub async fn post(&mut self, body: &[u8]) -> Response {
        let headers = [("content-type", "application/json"), ("x-api-key", KEY)];
        self.send(Method::POST, "/graphql", &headers, body).await
    }

    /// Posts a body to a server that may go away; none if it did before it answered.
    pub async fn try_post(&mut self, body: &[u8]) -> Option<Value> {
        let request = Request::post("/graphql").header("host", "localhost").header("x-api-key", KEY);
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        self.sender.ready().await.ok()?;
        let response = self.sender.send_request(request).await.ok()?;
        serde_json::from_slice(&response.into_body().collect().await.ok()?.to_bytes()).ok()
    }

    /// The answer to a query or mutation.
    pub async fn ask(&mut self, query: &str, variables: Value) -> Value {
        let response =
            self.post(json!({"query": query, "variables": variables}).to_string().as_bytes()).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        response.json()
    }

    /// The data of an answer that must have no errors, not even an empty list.
    pub async fn data(&mut self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }
}
