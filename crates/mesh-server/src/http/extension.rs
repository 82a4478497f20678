//! The extension for Scratch-like editors: one file that pages of every origin may load, as the editors are not ours.
//! It holds no secret. This server's endpoint is written into it, so that it still knows it as a file on a disk.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use bytes::Bytes;
use rust_embed::RustEmbed;

use super::pages::asset::{accepts_gzip, gzip};
use super::{App, Peer, answer};

/// Where the endpoint goes; `clients/scratch/src/server.ts` has the same.
const PLACEHOLDER: &str = "%MESH_ENDPOINT%";
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[derive(RustEmbed)]
#[folder = "pages/extension"]
struct Folder;

/// GET /extension/mesh.js.
pub(super) async fn serve(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let headers = request.headers();
    let Some(authority) = app.hosts.authority(headers) else { return answer::foreign_host() };
    let Some(file) = Folder::get("mesh.js") else { return answer::no_such_page() };
    let scheme = if is_secure(&app, &request) { "https" } else { "http" };
    let endpoint = format!("{scheme}://{authority}/graphql");
    let text = String::from_utf8_lossy(&file.data).replacen(PLACEHOLDER, &endpoint, 1);
    script(text.into(), headers)
}

fn script(plain: Bytes, request: &HeaderMap) -> Response<Body> {
    let compressed = accepts_gzip(request).then(|| gzip(&plain)).flatten();
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer::readable_by_all(headers);
    if compressed.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    *response.body_mut() = Body::from(compressed.unwrap_or(plain));
    response
}

/// Whether the client came by https, to this server or to a trusted proxy.
fn is_secure(app: &App, request: &Request) -> bool {
    let over_tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.over_tls);
    let forwarded = || request.headers().get(FORWARDED_PROTO).is_some_and(|protocol| protocol == "https");
    over_tls || app.trusted_proxies > 0 && forwarded()
}
