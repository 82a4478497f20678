//! A socket in memory, to which the task of a connection and others write.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tungstenite::protocol::frame::FrameHeader;

use crate::realtime::socket::WriteAtOnce;

/// Takes all of what the task of a connection writes, and of what others write only so many bytes as was said.
#[derive(Clone)]
pub struct SharedSocket(Arc<Mutex<State>>);

struct State {
    /// The most bytes of each write of others, the next one last. None of those behind them.
    takes: Vec<usize>,
    received: Vec<u8>,
}

impl SharedSocket {
    /// A socket that takes so many bytes of each write of others, the last number first, and nothing behind them.
    pub fn taking(takes: Vec<usize>) -> Self {
        Self(Arc::new(Mutex::new(State { takes, received: Vec::new() })))
    }

    /// The payloads of all frames, which must be whole.
    pub fn payloads(&self) -> Vec<Vec<u8>> {
        let received = &self.0.lock().received;
        let (mut rest, mut payloads) = (&received[..], Vec::new());
        while !rest.is_empty() {
            let (header, length) = FrameHeader::parse(&mut io::Cursor::new(rest)).unwrap().unwrap();
            let (frame, later) = rest.split_at(header.len(length) + usize::try_from(length).unwrap());
            payloads.push(frame[header.len(length)..].to_vec());
            rest = later;
        }
        payloads
    }
}

impl WriteAtOnce for SharedSocket {
    fn write_at_once(&self, bytes: &[u8]) -> io::Result<usize> {
        let State { takes, received } = &mut *self.0.lock();
        let length = takes.pop().unwrap_or_default().min(bytes.len());
        received.extend_from_slice(&bytes[..length]);
        if length == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(length) }
    }
}

impl AsyncWrite for SharedSocket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().received.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
