//! One file of a page: its type, its tag, and its bytes plain or compressed.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::OnceLock;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use mesh_core::hex::Hex;
use rust_embed::EmbeddedFile;

/// Smaller files fit into a packet or two as they are.
const COMPRESSED_FROM: usize = 1_400;

/// A file that is ready to be served.
pub(super) struct Asset {
    content_type: &'static str,
    tag: HeaderValue,
    plain: Bytes,
    /// Made at the first request for it; none if it would not be smaller.
    gzip: OnceLock<Option<Bytes>>,
}

impl Asset {
    pub(super) fn new(path: &str, file: EmbeddedFile) -> Self {
        // One tag for both encodings, hence a weak one.
        let tag = HeaderValue::try_from(format!("W/\"{}\"", Hex(&file.metadata.sha256_hash()[..12])));
        let plain = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Self {
            content_type: content_type(path),
            tag: tag.unwrap_or(HeaderValue::from_static("W/\"\"")),
            plain,
            gzip: OnceLock::new(),
        }
    }

    pub(super) fn serve(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if self.is_known(request) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let compressed = accepts_gzip(request).then(|| self.gzip()).flatten();
        if compressed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = Body::from(compressed.unwrap_or_else(|| self.plain.clone()));
        response
    }

    fn is_known(&self, request: &HeaderMap) -> bool {
        let known = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        known.flat_map(|value| value.split(',')).any(|tag| self.tag == tag.trim())
    }

    fn gzip(&self) -> Option<Bytes> {
        if self.plain.len() < COMPRESSED_FROM {
            return None;
        }
        self.gzip.get_or_init(|| gzip(&self.plain)).clone()
    }
}

/// Compresses a file, unless that would not make it smaller.
pub(in crate::http) fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < plain.len()).then(|| compressed.into())
}

/// Returns `true` if a client takes compressed answers.
pub(in crate::http) fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// The types that pages are made of. Browsers guess nothing, so a type that is missing here is a file
/// that they refuse.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            accepts_gzip(&headers)
        };
        assert!(accepts("gzip") && accepts("deflate, gzip;q=1.0, *;q=0.5") && accepts("br, GZIP"));
        assert!(!accepts("") && !accepts("identity") && !accepts("gzip;q=0, br") && !accepts("x-gzip"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
