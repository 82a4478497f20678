//! Waiting frames to as few writes as possible.
//!
//! Frames to clients are neither masked nor fragmented, so they are put together here: everything that
//! waits leaves in one write, and long parts that many connections share are not copied.

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::realtime::frames::{put_frame, put_head, put_header};
use crate::realtime::queue::{Closing, Message, Queue};

/// A connection whose socket took nothing for so long is closed, if as much waits as the next says.
const STALL: Duration = Duration::from_secs(10);
const STALLED_BYTES: usize = 1 << 20;
/// A connection that is closed takes nothing for so long at most, or it is not told the reason.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time that the last frames and the reason may take to leave, however slowly they are taken.
const LONGEST_CLOSE: Duration = Duration::from_secs(30);
/// One write has about so many bytes at most, so that a slow connection can be closed between frames.
const BATCH_BYTES: usize = 128 << 10;
/// Shorter shared parts are copied: that is cheaper than one more part of a write.
const COPIED_BYTES: usize = 4 << 10;
/// Memory that an idle connection keeps for its next write.
const KEPT_BYTES: usize = 2 << 10;
/// The most parts of one write.
const MAX_SLICES: usize = 64;

/// The writing side of a WebSocket.
pub struct Outbound<W> {
    writer: W,
    /// Frames of the connection's own: acknowledgements, keep-alives, pongs.
    own: Vec<u8>,
    /// Messages taken from the queue, the next one last.
    taken: Vec<Message>,
    batch: Batch,
}

/// Why nothing more can be sent.
#[derive(Debug)]
pub enum End {
    /// The socket is gone.
    Gone,
    /// The connection is to be closed.
    Closing(Closing),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// The frames of one write.
#[derive(Default)]
struct Batch {
    copied: Vec<u8>,
    /// Shared parts, each with the length of what was copied before it.
    shared: Vec<(usize, Bytes)>,
    length: usize,
    written: usize,
    /// The bytes of these that were counted by the queue.
    counted: usize,
}

impl<W: AsyncWrite + Unpin> Outbound<W> {
    /// Writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer, own: Vec::new(), taken: Vec::new(), batch: Batch::default() }
    }

    /// Frames that the rules of WebSocket demand, which leave with the next flush.
    pub fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }

    /// Adds a text message of the connection's own.
    pub fn text(&mut self, json: &[u8]) {
        put_header(&mut self.own, json.len());
        self.own.extend_from_slice(json);
    }

    /// Adds a ping.
    pub fn ping(&mut self) {
        put_frame(&mut self.own, Frame::ping(Bytes::new()));
    }

    /// Sends the connection's own frames, then what waits in the queue. Returns how many messages were sent.
    ///
    /// # Errors
    ///
    /// [`End`] if the connection is over: the socket failed, or it took nothing for too long.
    pub async fn flush(&mut self, queue: &Queue) -> Result<usize, End> {
        let mut sent = 0;
        loop {
            let mut closing = None;
            if self.taken.is_empty() {
                closing = queue.take(&mut self.taken);
                self.taken.reverse();
            }
            if closing == Some(Closing::TooSlow) {
                return Err(End::Closing(Closing::TooSlow));
            }
            sent += self.taken.len();
            self.batch.fill(&mut self.own, &mut self.taken);
            sent -= self.taken.len();
            if self.batch.length == 0 {
                // A server that stops sends what waits before it says so.
                return closing.map_or(Ok(sent), |why| Err(End::Closing(why)));
            }
            self.write(queue).await?;
            queue.sent(self.batch.counted);
            self.batch.clear();
            if self.taken.is_empty() && closing.is_none() {
                return Ok(sent);
            }
        }
    }

    async fn write(&mut self, queue: &Queue) -> Result<(), End> {
        while self.batch.written < self.batch.length {
            tokio::select! {
                biased;
                result = self.batch.write_some(&mut self.writer) => result?,
                () = stalled(queue) => return Err(End::Closing(queue.closing().unwrap_or(Closing::TooSlow))),
            }
        }
        Ok(())
    }

    /// Ends the frame that is being written, if one is, then says why the connection is closed.
    pub async fn close(&mut self, code: CloseCode, reason: &'static str) {
        let close = CloseFrame { code, reason: reason.into() };
        put_frame(&mut self.own, Frame::close(Some(close)));
        self.finish().await;
    }

    /// Sends the connection's own frames, the last of which closes it. What waits in the queue stays
    /// there: nothing may follow a close (RFC 6455, section 5.5.1).
    pub async fn finish(&mut self) {
        let own = std::mem::take(&mut self.own);
        let closing = async {
            while self.batch.written < self.batch.length {
                timeout(CLOSE_TIMEOUT, self.batch.write_some(&mut self.writer)).await??;
            }
            timeout(CLOSE_TIMEOUT, self.writer.write_all(&own)).await??;
            timeout(CLOSE_TIMEOUT, self.writer.shutdown()).await?
        };
        // Who does not listen any more need not be told.
        let _ = timeout(LONGEST_CLOSE, closing).await;
    }
}

/// Waits until a connection that takes nothing is to be closed.
async fn stalled(queue: &Queue) {
    let timer = sleep(STALL);
    tokio::pin!(timer);
    loop {
        tokio::select! {
            () = &mut timer => {
                if queue.waiting_bytes() > STALLED_BYTES {
                    return;
                }
                timer.as_mut().reset(tokio::time::Instant::now() + STALL);
            }
            () = queue.closed() => return,
        }
    }
}

impl Batch {
    /// Puts frames in, whole ones alone.
    fn fill(&mut self, own: &mut Vec<u8>, taken: &mut Vec<Message>) {
        self.copied.append(own);
        self.length = self.copied.len();
        while self.length < BATCH_BYTES
            && let Some(message) = taken.pop()
        {
            let before = self.copied.len();
            put_head(&mut self.copied, &message);
            self.counted += message.len();
            if message.tail.len() < COPIED_BYTES {
                self.copied.extend_from_slice(&message.tail);
                self.length += self.copied.len() - before;
            } else {
                self.length += self.copied.len() - before + message.tail.len();
                self.shared.push((self.copied.len(), message.tail));
            }
        }
    }

    async fn write_some(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let written = if self.shared.is_empty() {
            writer.write(&self.copied[self.written..]).await?
        } else {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = self.slices(&mut slices);
            writer.write_vectored(&slices[..count]).await?
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.written += written;
        Ok(())
    }

    /// The rest that is to be written, as far as it has room in `slices`.
    fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; MAX_SLICES]) -> usize {
        let (mut count, mut skip, mut copied_to) = (0, self.written, 0);
        let mut add = |part: &'a [u8]| {
            let rest = part.get(skip..).unwrap_or_default();
            skip = skip.saturating_sub(part.len());
            if !rest.is_empty() && count < MAX_SLICES {
                slices[count] = IoSlice::new(rest);
                count += 1;
            }
        };
        for (copied_before, shared) in &self.shared {
            add(&self.copied[copied_to..*copied_before]);
            add(shared);
            copied_to = *copied_before;
        }
        add(&self.copied[copied_to..]);
        count
    }

    fn clear(&mut self) {
        self.copied.clear();
        self.copied.shrink_to(KEPT_BYTES);
        self.shared.clear();
        (self.length, self.written, self.counted) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::realtime::queue::MAX_WAITING_BYTES;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, duplex};

    fn message(head: &[u8], tail: &[u8]) -> Message {
        Message { head: Arc::from(head), tail: Bytes::copy_from_slice(tail) }
    }

    fn frame(head: &[u8], tail: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_header(&mut bytes, head.len() + tail.len());
        [&bytes, head, tail].concat()
    }

    async fn sent(own: &[u8], messages: &[(Vec<u8>, Vec<u8>)], pipe: usize) -> Vec<u8> {
        let (ours, mut theirs) = duplex(pipe);
        let queue = Queue::default();
        for (head, tail) in messages {
            queue.push(message(head, tail), MAX_WAITING_BYTES);
        }
        let mut outbound = Outbound::new(ours);
        if !own.is_empty() {
            outbound.text(own);
        }
        let sending = async {
            outbound.flush(&queue).await.unwrap();
            assert_eq!(queue.waiting_bytes(), 0);
            drop(outbound);
        };
        let mut received = Vec::new();
        let ((), read) = tokio::join!(sending, theirs.read_to_end(&mut received));
        read.unwrap();
        received
    }

    #[tokio::test]
    async fn a_slow_connection_is_told_between_frames() {
        tokio::time::pause();
        let (ours, mut theirs) = duplex(1_000);
        let queue = Queue::default();
        let mut outbound = Outbound::new(ours);
        queue.push(message(b"head", &[b'x'; 2_000]), MAX_WAITING_BYTES);
        for _ in 0..3 {
            queue.push(message(b"head", &vec![b'y'; 1 << 20]), MAX_WAITING_BYTES);
        }
        let ended = outbound.flush(&queue).await;
        assert!(matches!(ended, Err(End::Closing(Closing::TooSlow))), "{ended:?}");
        let reading = async {
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).await.unwrap();
            received
        };
        let (received, ()) = tokio::join!(reading, outbound.close(CloseCode::Again, "too slow"));
        assert!(received.ends_with(b"\x88\x0a\x03\xf5too slow"), "{:?}", &received[received.len() - 20..]);
    }

    #[tokio::test]
    async fn who_takes_little_at_a_time_is_told_too() {
        tokio::time::pause();
        let (ours, mut theirs) = duplex(10_000);
        let mut outbound = Outbound::new(ours);
        outbound.batch.fill(&mut Vec::new(), &mut vec![message(b"head", &[b'z'; 100_000])]);
        let reading = async {
            let (mut received, mut part) = (Vec::new(), vec![0; 10_000]);
            loop {
                sleep(Duration::from_secs(1)).await;
                match theirs.read(&mut part).await.unwrap() {
                    0 => return received,
                    read => received.extend_from_slice(&part[..read]),
                }
            }
        };
        let (received, ()) = tokio::join!(reading, outbound.close(CloseCode::Again, "too slow"));
        assert!(received.ends_with(b"\x88\x0a\x03\xf5too slow"), "{} bytes and no reason", received.len());
    }

    #[tokio::test]
    async fn nothing_follows_the_answer_to_a_close() {
        let (ours, mut theirs) = duplex(1_000);
        let queue = Queue::default();
        let mut outbound = Outbound::new(ours);
        outbound.text(b"{}");
        outbound.flush(&queue).await.unwrap();
        queue.push(message(b"head", b"tail"), MAX_WAITING_BYTES);
        outbound.text(b"complete");
        put_frame(outbound.own(), Frame::close(None));
        outbound.finish().await;
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, [&frame(b"{}", b"")[..], &frame(b"complete", b""), b"\x88\x00"].concat());
    }

    #[tokio::test]
    async fn little_that_waits_may_wait_long() {
        tokio::time::pause();
        let (ours, mut theirs) = duplex(10);
        let queue = Queue::default();
        queue.push(message(b"head", b"a tail longer than the pipe"), MAX_WAITING_BYTES);
        let mut outbound = Outbound::new(ours);
        let late_reader = async {
            sleep(STALL * 5).await;
            let mut received = vec![0; 33];
            theirs.read_exact(&mut received).await.unwrap();
        };
        let (flushed, ()) = tokio::join!(outbound.flush(&queue), late_reader);
        flushed.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn frames_leave_whole_and_in_order(
            own in prop::collection::vec(any::<u8>(), 0..20),
            sizes in prop::collection::vec((0..300_usize, prop_oneof![0..200_usize, 4_000..4_200_usize, 20_000..25_000_usize]), 0..60),
            pipe in prop_oneof![Just(200_usize), Just(5_000), Just(1 << 20)],
        ) {
            let fill = |length: usize, salt: usize| (0..length).map(|at| u8::try_from((at + salt) % 251).unwrap()).collect::<Vec<_>>();
            let messages: Vec<_> =
                sizes.iter().enumerate().map(|(salt, (head, tail))| (fill(*head, salt), fill(*tail, salt + 7))).collect();
            let mut expected = if own.is_empty() { vec![] } else { frame(&own, b"") };
            for (head, tail) in &messages {
                expected.extend(frame(head, tail));
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let received = runtime.block_on(sent(&own, &messages, pipe));
            prop_assert!(received == expected);
        }
    }
}
