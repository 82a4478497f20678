//! The schema as a file, for whoever makes code of it or reads it.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, header};

use crate::graphql::schema::SDL;

/// GET /schema.graphql. As plain text, since browsers show that and save other types.
pub(super) async fn serve() -> Response<Body> {
    let mut response = Response::new(Body::from(SDL));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
