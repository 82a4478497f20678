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

    /// Sends the connection's own frames, then what waits in the queue.
    ///
    /// # Errors
    ///
    /// [`End`] if the connection is over: the socket failed, or it took nothing for too long.
    pub async fn flush(&mut self, queue: &Queue) -> Result<(), End> {
        self.begin(queue);
        if self.batch.length > 0 {
            self.write(queue).await?;
        }
        loop {
            let mut closing = None;
            if self.taken.is_empty() {
                closing = queue.take(&mut self.taken);
                self.taken.reverse();
            }
            if closing == Some(Closing::TooSlow) {
                return Err(End::Closing(Closing::TooSlow));
            }
            self.batch.fill(&mut self.own, &mut self.taken);
            if self.batch.length > 0 {
                self.write(queue).await?;
            } else if let Some(why) = closing {
                // A server that stops sends what waits before it says so.
                return Err(End::Closing(why));
            }
            if self.taken.is_empty() && closing.is_none() {
                queue.end();
                return Ok(());
            }
        }
    }

    /// Nobody else writes from here on. Frames that others have begun come before everything else.
    fn begin(&mut self, queue: &Queue) {
        let written = queue.begin(&mut self.taken);
        if written > 0 {
            self.taken.reverse();
            self.batch.fill(&mut Vec::new(), &mut self.taken);
            self.batch.written = written;
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
        queue.sent(self.batch.counted);
        self.batch.clear();
        Ok(())
    }

    /// Ends the frame that is being written, if one is, then says why the connection is closed.
    pub async fn close(&mut self, queue: &Queue, code: CloseCode, reason: &'static str) {
        let close = CloseFrame { code, reason: reason.into() };
        put_frame(&mut self.own, Frame::close(Some(close)));
        self.finish(queue).await;
    }

    /// Sends the connection's own frames, the last of which closes it. What waits in the queue stays
    /// there: nothing may follow a close (RFC 6455, section 5.5.1).
    pub async fn finish(&mut self, queue: &Queue) {
        self.begin(queue);
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
mod tests;
