//! Answers for operators: the health of the server, and its figures.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};

use super::{App, answer};

/// 200 while writes can commit, 503 while they cannot.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response<Body> {
    let (code, status) = if app.context.store.can_commit() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store cannot write")
    };
    let json = format!(r#"{{"status":"{status}","version":"{}"}}"#, env!("CARGO_PKG_VERSION"));
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, answer::JSON);
    response
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response<Body> {
    let (hub, store) = (app.realtime.hub.counts(), app.context.store.counts());
    let (documents, held) = (app.executor.engine.document_bytes(), app.limits.buffers.held_bytes());
    let memory = app.limits.memory.compare(store.memory, documents, hub.waiting_bytes, held);
    let figures = app.metrics.encode(hub, store, &memory);
    let Ok(text) = figures else { return answer::internal("the metrics could not be written") };
    let mut response = Response::new(Body::from(text));
    let text_format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(text_format));
    response
}
