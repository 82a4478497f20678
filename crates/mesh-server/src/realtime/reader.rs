//! Reading a client's socket, a piece at a time.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

use crate::realtime::outbound::CLOSE_TIMEOUT;

/// The most that is read at once. On the stack: a silent connection keeps no buffer.
const READ_BYTES: usize = 4 << 10;

/// Reads what a client still sends, until it has closed its side too: a socket that is closed with unread
/// bytes takes back what was written, and the reason with it.
pub(crate) async fn discard(reader: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = Vec::new();
    let reading = async {
        while read_some(reader, &mut bytes).await.is_ok() {
            bytes.clear();
        }
    };
    // A client that goes on sending is not waited for.
    let _ = timeout(CLOSE_TIMEOUT, reading).await;
}

/// Reads what is there into `bytes`; an error at the end of the stream.
pub(crate) async fn read_some(reader: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<()> {
    poll_fn(|context| {
        let mut buffer = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        ready!(Pin::new(&mut *reader).poll_read(context, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        bytes.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    })
    .await
}
