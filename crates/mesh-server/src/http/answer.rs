//! Answers that are no GraphQL answers, in AppSync's form: `{"errors":[{"errorType","message"}]}` and
//! the header by which aws-amplify knows a wrong key.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    UPGRADE,
};
use axum::http::{HeaderMap, Response, StatusCode};
use mesh_appsync::selection::write_text;
use mesh_core::ErrorType;

use crate::limits::buffers::NO_ROOM;
use crate::limits::rates::TooMuch;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(super) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Lets pages of every origin read an answer, which must have no secret.
pub(super) fn readable_by_all(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
}

pub(super) fn error(status: StatusCode, error_type: ErrorType, message: &str) -> Response<Body> {
    let mut json = b"{\"errors\":[{\"errorType\":".to_vec();
    write_text(&mut json, error_type.as_str());
    json.extend_from_slice(b",\"message\":");
    write_text(&mut json, message);
    json.extend_from_slice(b"}]}");
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(error_type.as_str()));
    response
}

pub(super) fn unauthorized() -> Response<Body> {
    let message = "You are not authorized to make this call.";
    error(StatusCode::UNAUTHORIZED, ErrorType::UnauthorizedException, message)
}

pub(super) fn foreign_origin() -> Response<Body> {
    let message = "Pages of this origin may not call. The operator can allow it: --allow-origin ORIGIN";
    error(StatusCode::FORBIDDEN, ErrorType::ForbiddenException, message)
}

pub(super) fn foreign_host() -> Response<Body> {
    let message =
        "This server does not know itself by that name. Ask by its address, or by a name given at start.";
    error(StatusCode::FORBIDDEN, ErrorType::ForbiddenException, message)
}

pub(super) fn too_many_connections() -> Response<Body> {
    let message = "There are too many connections. Close some, or ask the operator to raise the limit.";
    closing(error(StatusCode::TOO_MANY_REQUESTS, ErrorType::LimitExceededError, message))
}

/// More work than the limits allow.
pub(super) fn too_much(too_much: TooMuch) -> Response<Body> {
    let refusal = error(StatusCode::TOO_MANY_REQUESTS, ErrorType::LimitExceededError, &too_much.to_string());
    retry_after(too_much.seconds(), refusal)
}

/// More bytes on their way than there is room for.
pub(super) fn too_many_bytes() -> Response<Body> {
    closing(retry_after(1, error(StatusCode::TOO_MANY_REQUESTS, ErrorType::LimitExceededError, NO_ROOM)))
}

/// A trusted proxy did not say where the call comes from.
pub(super) fn unknown_caller() -> Response<Body> {
    let message = "x-forwarded-for must name the caller behind each trusted proxy: see --trust-proxy";
    error(StatusCode::BAD_REQUEST, ErrorType::BadRequestException, message)
}

fn retry_after(seconds: u64, mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

pub(super) fn too_large() -> Response<Body> {
    let message = "A body may have at most 1048576 bytes (1 MB)";
    closing(error(StatusCode::PAYLOAD_TOO_LARGE, ErrorType::RequestTooLarge, message))
}

pub(super) fn too_late() -> Response<Body> {
    let message = "The body did not arrive in time";
    closing(error(StatusCode::REQUEST_TIMEOUT, ErrorType::RequestTimeout, message))
}

pub(super) fn method_not_allowed() -> Response<Body> {
    let message = "Requests are sent by POST, queries also by GET, subscriptions by a WebSocket upgrade";
    not_allowed(message, "GET, POST, OPTIONS")
}

pub(super) fn mutation_by_get() -> Response<Body> {
    not_allowed("Only queries are answered by GET: send a mutation by POST", "POST, OPTIONS")
}

fn not_allowed(message: &str, allowed: &'static str) -> Response<Body> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, ErrorType::MethodNotAllowed, message);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A request that is no upgrade, where there is a WebSocket alone.
pub(super) fn only_web_sockets() -> Response<Body> {
    let message = "This is the address of a WebSocket: ws:// or wss://";
    let mut response = error(StatusCode::UPGRADE_REQUIRED, ErrorType::BadRequestException, message);
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response
}

pub(super) fn nothing_here() -> Response<Body> {
    error(
        StatusCode::NOT_FOUND,
        ErrorType::NotFoundException,
        "There is nothing here. The API is at /graphql.",
    )
}

pub(super) fn too_many_boards() -> Response<Body> {
    error(
        StatusCode::TOO_MANY_REQUESTS,
        ErrorType::LimitExceededError,
        "Too many boards are open. Close one.",
    )
}

pub(super) fn no_such_board() -> Response<Body> {
    error(StatusCode::NOT_FOUND, ErrorType::NotFoundException, "This board is not open.")
}

pub(super) fn too_many_codes() -> Response<Body> {
    let message = "Too many wrong codes were tried. Wait a minute, and try again.";
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, ErrorType::LimitExceededError, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

pub(super) fn no_such_page() -> Response<Body> {
    error(StatusCode::NOT_FOUND, ErrorType::NotFoundException, "This page has no such file.")
}

/// A fault of this program; the detail is for the log alone.
pub(super) fn internal(detail: &str) -> Response<Body> {
    tracing::error!(detail, "a request could not be served");
    error(StatusCode::INTERNAL_SERVER_ERROR, ErrorType::InternalFailure, "This is a fault of the server")
}

/// The rest of the request is not read, so its connection ends.
fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
