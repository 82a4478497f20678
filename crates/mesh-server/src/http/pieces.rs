//! A large answer's body, sent in pieces: what has left is no longer held, and nothing copies the whole.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// So much is handed to the connection at once.
const PIECE_BYTES: usize = 64 << 10;

/// The rest of a body.
struct Pieces(Bytes);

/// A body of these bytes.
pub(super) fn body(bytes: Bytes) -> Body {
    if bytes.len() <= PIECE_BYTES { Body::from(bytes) } else { Body::new(Pieces(bytes)) }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
