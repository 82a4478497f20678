//! Frames to clients, which are neither masked nor fragmented.

use tungstenite::protocol::frame::Frame;

use crate::realtime::queue::Message;

/// A message's frame without the part that it shares with others, which ends it.
pub(super) fn put_head(out: &mut Vec<u8>, message: &Message) {
    put_header(out, message.len());
    out.extend_from_slice(&message.head);
}

/// The header of a final, unmasked text frame of so many bytes.
///
/// Source: RFC 6455, section 5.2, "Base Framing Protocol".
pub(super) fn put_header(out: &mut Vec<u8>, length: usize) {
    const FINAL_TEXT: u8 = 0x81;
    if let Ok(length @ ..126) = u8::try_from(length) {
        out.extend_from_slice(&[FINAL_TEXT, length]);
    } else if let Ok(length) = u16::try_from(length) {
        let [high, low] = length.to_be_bytes();
        out.extend_from_slice(&[FINAL_TEXT, 126, high, low]);
    } else {
        out.extend_from_slice(&[FINAL_TEXT, 127]);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// A control frame.
pub(super) fn put_frame(out: &mut Vec<u8>, frame: Frame) {
    // Writing to memory cannot fail.
    let _ = frame.format(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::protocol::frame::FrameHeader;
    use tungstenite::protocol::frame::coding::{Data, OpCode};

    #[test]
    fn headers_are_those_of_the_library() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20] {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            put_header(&mut ours, length);
            let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
            header.format(length as u64, &mut theirs).unwrap();
            assert_eq!(ours, theirs, "{length}");
        }
    }
}
