//! The floor's sockets.

use std::io;
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::Groups;
use super::http::{Socket, read_more};

/// The first byte of a frame that is a whole text.
const TEXT: u8 = 0x81;
/// The end of each message of a subscription.
const TAIL: &[u8] = b"}}}";

/// A subscribed socket.
pub(super) struct Subscriber {
    /// The beginning of each of its messages.
    head: String,
    waiting: Mutex<Vec<Bytes>>,
    wake: Notify,
}

impl Subscriber {
    /// Lets a message wait for the socket.
    pub(super) fn queue(&self, message: Bytes) {
        let mut waiting = self.waiting.lock();
        waiting.push(message);
        if waiting.len() == 1 {
            drop(waiting);
            self.wake.notify_one();
        }
    }
}

/// Serves a WebSocket with one subscription until it ends.
pub(super) async fn serve(groups: &Groups, mut socket: impl Socket, mut input: Vec<u8>) -> io::Result<()> {
    loop {
        let Some(text) = take_text(&mut input) else {
            read_more(&mut socket, &mut input).await?;
            continue;
        };
        let request: Value = serde_json::from_slice(&text)?;
        let mut output = Vec::new();
        if request["type"] == "connection_init" {
            frame(&mut output, &[br#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}"#]);
            socket.write_all(&output).await?;
            socket.flush().await?;
            continue;
        }
        let id = request["id"].as_str().unwrap_or_default();
        let data: Value = serde_json::from_str(request["payload"]["data"].as_str().unwrap_or_default())?;
        let group = data["variables"]["groupId"].as_str().unwrap_or_default();
        let subscriber = Arc::new(Subscriber {
            head: format!(r#"{{"id":"{id}","type":"data","payload":{{"data":{{"onMessageInGroup":"#),
            waiting: Mutex::default(),
            wake: Notify::new(),
        });
        groups.subscribers.write().entry(group.to_owned()).or_default().push(subscriber.clone());
        frame(&mut output, &[format!(r#"{{"id":"{id}","type":"start_ack"}}"#).as_bytes()]);
        socket.write_all(&output).await?;
        socket.flush().await?;
        let ended = deliver(&subscriber, socket).await;
        let mut subscribers = groups.subscribers.write();
        subscribers.entry(group.to_owned()).or_default().retain(|other| !Arc::ptr_eq(other, &subscriber));
        return ended;
    }
}

/// Writes what waits, all of it in one write; reads only to see the end.
async fn deliver(subscriber: &Subscriber, mut socket: impl Socket) -> io::Result<()> {
    let (mut messages, mut output) = (Vec::new(), Vec::new());
    let mut unread = [0; 64];
    loop {
        tokio::select! {
            () = subscriber.wake.notified() => {}
            read = socket.read(&mut unread) => match read? {
                0 => return Ok(()),
                _ => continue,
            },
        }
        mem::swap(&mut *subscriber.waiting.lock(), &mut messages);
        for message in messages.drain(..) {
            frame(&mut output, &[subscriber.head.as_bytes(), &message, TAIL]);
        }
        socket.write_all(&output).await?;
        socket.flush().await?;
        output.clear();
    }
}

/// Appends a frame of these parts (RFC 6455, section 5.2).
fn frame(output: &mut Vec<u8>, parts: &[&[u8]]) {
    output.push(TEXT);
    let length: usize = parts.iter().map(|part| part.len()).sum();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < 126 => output.push(length),
        (_, Ok(length)) => {
            output.push(126);
            output.extend(length.to_be_bytes());
        }
        _ => {
            output.push(127);
            output.extend((length as u64).to_be_bytes());
        }
    }
    for part in parts {
        output.extend_from_slice(part);
    }
}

/// Takes a whole frame of a client: less than 64 KB, masked.
fn take_text(input: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (length, mask_at) = match input.get(1)? & 0x7f {
        126 => (usize::from(u16::from_be_bytes([*input.get(2)?, *input.get(3)?])), 4),
        length => (usize::from(length), 2),
    };
    let data_at = mask_at + 4;
    let mask = input.get(mask_at..data_at)?;
    let data = input.get(data_at..data_at + length)?;
    let text = data.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    input.drain(..data_at + length);
    Some(text)
}
