//! The floor's HTTP: no more of it than the load's client uses.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Groups, operations, realtime};

/// A connection, encrypted or not.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

const HEAD_END: &[u8] = b"\r\n\r\n";

/// Answers what is posted over one connection, until it becomes a WebSocket or ends.
pub(super) async fn serve(groups: Arc<Groups>, mut socket: impl Socket) -> io::Result<()> {
    let mut input = Vec::new();
    loop {
        let Some(head_length) = input.windows(HEAD_END.len()).position(|window| window == HEAD_END) else {
            read_more(&mut socket, &mut input).await?;
            continue;
        };
        let head = std::str::from_utf8(&input[..head_length]).map_err(io::Error::other)?;
        let body_start = head_length + HEAD_END.len();
        if let Some(key) = header(head, "sec-websocket-key") {
            let accept = derive_accept_key(key.as_bytes());
            let upgrade = format!(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-accept: {accept}\r\nsec-websocket-protocol: graphql-ws\r\n\r\n"
            );
            socket.write_all(upgrade.as_bytes()).await?;
            socket.flush().await?;
            return realtime::serve(&groups, socket, input.split_off(body_start)).await;
        }
        let length: usize =
            header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let end = body_start + length;
        while input.len() < end {
            read_more(&mut socket, &mut input).await?;
        }
        let answer = operations::answer(&groups, &input[body_start..end])?;
        let length = answer.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{answer}"
        );
        socket.write_all(answer.as_bytes()).await?;
        socket.flush().await?;
        input.drain(..end);
    }
}

/// Reads what there is; the end is an error, since something is still wanted.
pub(super) async fn read_more(socket: &mut impl Socket, input: &mut Vec<u8>) -> io::Result<()> {
    match socket.read_buf(input).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
