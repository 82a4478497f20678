//! A socket after its upgrade, which others than the task of its connection may write to.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A socket to which bytes can be written without waiting.
pub trait WriteAtOnce: Send + Sync {
    /// Writes these bytes or their beginning. Returns how many.
    ///
    /// # Errors
    ///
    /// If it takes nothing now, or nothing any more.
    fn write_at_once(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// An upgraded socket.
pub struct Socket<R, W> {
    /// What the client sends.
    pub reader: R,
    /// What the client gets.
    pub writer: W,
    /// Bytes that came with the upgrade.
    pub received: Bytes,
    /// The same as `writer`, for others than the task of the connection, if it can be shared.
    pub shared: Option<Arc<dyn WriteAtOnce>>,
}

impl<R, W> Socket<R, W> {
    /// A socket that one task alone can write to.
    pub fn new(reader: R, writer: W, received: Bytes) -> Self {
        Self { reader, writer, received, shared: None }
    }
}

impl Socket<OwnedReadHalf, SharedWriter> {
    /// A socket without encryption.
    pub fn plain(socket: TcpStream, received: Bytes) -> Self {
        let (reader, writer) = socket.into_split();
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer: SharedWriter(writer.clone()), received, shared: Some(writer) }
    }
}

/// The writing half of a socket. Nobody waits for its lock: the connection's queue decides who may write.
pub struct SharedWriter(Arc<Mutex<OwnedWriteHalf>>);

impl WriteAtOnce for Mutex<OwnedWriteHalf> {
    fn write_at_once(&self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().try_write(bytes)
    }
}

impl AsyncWrite for SharedWriter {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.lock().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_shutdown(context)
    }
}
