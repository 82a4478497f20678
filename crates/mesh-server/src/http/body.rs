//! Bodies that nobody wants.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

/// The most that is read of one, and the longest time.
const MOST_BYTES: usize = 16 << 20;
const MOST_TIME: Duration = Duration::from_secs(5);

/// Reads a refused request to its end. A client that is still sending when its connection ends gets an
/// error of the network instead of the answer, and living clients repeat such a call for minutes.
pub(super) async fn discard(body: &mut Body) {
    let reading = async {
        let mut left = MOST_BYTES;
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, bytes::Bytes::len));
        }
    };
    // Who takes longer is cut off.
    let _ = timeout(MOST_TIME, reading).await;
}
