//! A client's frames to messages, within limits. The rules of WebSocket (masks, fragments, control
//! frames, UTF-8) are a library's; it works in memory here, so that answers share the connection's
//! writes.

use std::io::{self, Read, Write};

use tungstenite::error::CapacityError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// Memory that a silent connection keeps for its next frame.
const READ_BUFFER: usize = 256;
/// More pongs than this do not pile up.
const MAX_WRITE_BUFFER: usize = 64 << 10;

/// The reading side of a WebSocket.
pub struct Inbound {
    context: WebSocketContext,
}

/// The meaning of a client's bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A text or binary message.
    Message(bytes::Bytes),
    /// A sign of life.
    Alive,
    /// The client closes; the answer is written already.
    Closed,
    /// The client broke a rule: close with this code.
    Broken(CloseCode, &'static str),
}

impl Inbound {
    /// Takes messages of at most `most` bytes.
    pub fn new(most: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        Self { context: WebSocketContext::new(Role::Server, Some(config)) }
    }

    /// Takes messages of at most `most` bytes from now on.
    pub fn allow(&mut self, most: usize) {
        self.context.set_config(|config| {
            config.max_message_size = Some(most);
            config.max_frame_size = Some(most);
        });
    }

    /// Takes the next event out of `received`, whose read bytes are removed; none if it holds no
    /// whole frame. What the client has to be answered by the rules of WebSocket goes to `out`.
    pub fn next(&mut self, received: &mut &[u8], out: &mut Vec<u8>) -> Option<Event> {
        let mut wire = Wire { received, out };
        match self.context.read(&mut wire) {
            Ok(Message::Text(text)) => Some(Event::Message(text.into())),
            Ok(Message::Binary(bytes)) => Some(Event::Message(bytes)),
            Ok(Message::Ping(_)) => {
                // The pong waits for a flush; if that fails, so will the next read.
                let _ = self.context.flush(&mut wire);
                Some(Event::Alive)
            }
            Ok(Message::Close(_)) => {
                let _ = self.context.flush(&mut wire);
                Some(Event::Closed)
            }
            Ok(Message::Pong(_) | Message::Frame(_)) => Some(Event::Alive),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => Some(Event::Broken(
                CloseCode::Size,
                "a message may have at most 262144 bytes, and 16384 before a right key",
            )),
            Err(Error::Utf8(_)) => Some(Event::Broken(CloseCode::Invalid, "a text must be UTF-8")),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => Some(Event::Closed),
            Err(_) => Some(Event::Broken(CloseCode::Protocol, "this breaks RFC 6455")),
        }
    }
}

/// A socket in memory: what was received, and what to send.
struct Wire<'a, 'b> {
    received: &'a mut &'b [u8],
    out: &'a mut Vec<u8>,
}

impl Read for Wire<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.received.read(buffer)
    }
}

impl Write for Wire<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::realtime::protocol::MAX_MESSAGE_BYTES;
    use proptest::prelude::*;
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::{Data, OpCode};

    fn masked(mut frame: Frame) -> Vec<u8> {
        frame.header_mut().mask = Some([1, 2, 3, 4]);
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    fn text(text: &str, is_final: bool) -> Vec<u8> {
        masked(Frame::message(text.as_bytes().to_vec(), OpCode::Data(Data::Text), is_final))
    }

    fn more(text: &str, is_final: bool) -> Vec<u8> {
        masked(Frame::message(text.as_bytes().to_vec(), OpCode::Data(Data::Continue), is_final))
    }

    /// All events of bytes that arrive in pieces.
    fn events(pieces: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
        let (mut inbound, mut out, mut events) = (Inbound::new(MAX_MESSAGE_BYTES), Vec::new(), Vec::new());
        for piece in pieces {
            let mut received = *piece;
            while let Some(event) = inbound.next(&mut received, &mut out) {
                let last = !matches!(event, Event::Message(_) | Event::Alive);
                events.push(event);
                if last {
                    return (events, out);
                }
            }
            assert!(received.is_empty());
        }
        (events, out)
    }

    fn message(text: &str) -> Event {
        Event::Message(bytes::Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn frames_come_in_any_pieces() {
        let bytes =
            [text("one", true), text("t", false), masked(Frame::ping("p")), more("wo", true)].concat();
        let expected = vec![message("one"), Event::Alive, message("two")];
        let (at_once, out) = events(&[&bytes]);
        assert_eq!(at_once, expected);
        assert_eq!(out, b"\x8a\x01p", "a pong");
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&single).0, expected);
    }

    #[test]
    fn large_messages_end_at_the_limit() {
        let most = "x".repeat(MAX_MESSAGE_BYTES);
        assert_eq!(events(&[&text(&most, true)]).0, [message(&most)]);
        let too_long = text(&format!("{most}x"), true);
        assert!(matches!(events(&[&too_long]).0[..], [Event::Broken(CloseCode::Size, _)]));
        let in_parts = [text(&most, false), more("x", true)].concat();
        assert!(matches!(events(&[&in_parts]).0[..], [Event::Broken(CloseCode::Size, _)]));
    }

    #[test]
    fn broken_rules_have_codes() {
        let unmasked = b"\x81\x01x".to_vec();
        let reserved = {
            let mut bytes = text("x", true);
            bytes[0] |= 0x40;
            bytes
        };
        let not_utf8 = masked(Frame::message(vec![0xff], OpCode::Data(Data::Text), true));
        let alone = more("x", true);
        for (bytes, code) in [
            (unmasked, CloseCode::Protocol),
            (reserved, CloseCode::Protocol),
            (not_utf8, CloseCode::Invalid),
            (alone, CloseCode::Protocol),
        ] {
            let (events, _) = events(&[&bytes]);
            assert!(matches!(events[..], [Event::Broken(given, _)] if given == code), "{events:?}");
        }
        let (closed, out) = events(&[&masked(Frame::close(None))]);
        assert_eq!((closed, out), (vec![Event::Closed], b"\x88\x00".to_vec()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8)) {
            let (mut inbound, mut out) = (Inbound::new(MAX_MESSAGE_BYTES), Vec::new());
            'all: for piece in pieces {
                let mut received = &piece[..];
                while let Some(event) = inbound.next(&mut received, &mut out) {
                    if matches!(event, Event::Closed | Event::Broken(..)) {
                        break 'all;
                    }
                }
            }
        }
    }
}
