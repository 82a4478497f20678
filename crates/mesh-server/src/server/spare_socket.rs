//! A descriptor in reserve: when the process has no others, the newest client is told so and goes, instead
//! of waiting for an answer that never comes.

use std::net::UdpSocket;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The longest time that a client may take to be told.
const TELL_TIMEOUT: Duration = Duration::from_millis(200);

const REFUSAL: &str = "HTTP/1.1 429 Too Many Requests\r\n\
    content-type: application/json; charset=utf-8\r\n\
    x-amzn-errortype: LimitExceededError\r\n\
    retry-after: 5\r\n\
    access-control-allow-origin: *\r\n\
    content-length: 103\r\n\
    connection: close\r\n\r\n\
    {\"errors\":[{\"errorType\":\"LimitExceededError\",\"message\":\"There are too many connections. Close some.\"}]}";

/// A descriptor that can be given up for a moment.
pub(super) struct SpareSocket {
    reserve: Option<UdpSocket>,
    /// Without TLS a refusal can be written at once.
    is_plain: bool,
}

impl SpareSocket {
    pub(super) fn new(is_plain: bool) -> Self {
        Self { reserve: reserve(), is_plain }
    }

    /// Accepts one connection with the reserved descriptor, refuses it, and takes the descriptor back.
    /// Says whether that could be done.
    pub(super) async fn shed(&mut self, listener: &TcpListener) -> bool {
        let had_reserve = self.reserve.take().is_some();
        let accepted = timeout(TELL_TIMEOUT, listener.accept()).await;
        let is_shed = matches!(accepted, Ok(Ok(_)));
        if let Ok(Ok((mut socket, _))) = accepted
            && self.is_plain
        {
            // A client that does not listen is not told.
            let _ = timeout(TELL_TIMEOUT, refuse(&mut socket)).await;
        }
        self.reserve = reserve();
        had_reserve && is_shed
    }
}

fn reserve() -> Option<UdpSocket> {
    UdpSocket::bind(("127.0.0.1", 0)).ok()
}

/// Reads the request first: a socket that is closed with unread bytes takes back what was written.
async fn refuse(socket: &mut TcpStream) -> std::io::Result<()> {
    let mut request = [0; 4 << 10];
    let _ = socket.read(&mut request).await?;
    socket.write_all(REFUSAL.as_bytes()).await?;
    socket.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_client_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(SpareSocket::new(true).shed(&listener).await);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 429 ")
                && head.contains(&format!("content-length: {}\r\n", body.len()))
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["errors"][0]["errorType"], mesh_core::ErrorType::LimitExceededError.as_str());
    }
}
