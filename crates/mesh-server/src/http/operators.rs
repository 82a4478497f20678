//! What operators ask for: whether the server works, and its figures.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Response};

use super::{App, answer};

pub(super) async fn health() -> Response<Body> {
    let json = format!(r#"{{"status":"ok","version":"{}"}}"#, env!("CARGO_PKG_VERSION"));
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, answer::JSON);
    response
}

pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response<Body> {
    if !app.hosts.admit(&headers) {
        return answer::foreign_host();
    }
    let figures = app.metrics.encode(app.realtime.hub.counts(), app.context.store.counts());
    let Ok(text) = figures else { return answer::internal("the metrics could not be written") };
    let mut response = Response::new(Body::from(text));
    let text_format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(text_format));
    response
}
