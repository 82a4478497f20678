//! POST /graphql: checks in AppSync's order, then the engine.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mesh_core::ErrorType;
use mesh_core::network::Network;
use tokio::time::timeout;

use super::body::discard;
use super::{App, Peer, answer, caller, origin};
use crate::graphql::answer::refused;
use crate::graphql::request::{Request as GraphqlRequest, RequestError, mend_surrogates};

/// The largest body.
pub(super) const MAX_BODY_BYTES: usize = 1 << 20;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

pub(super) async fn serve(app: &App, peer: &Peer, request: Request) -> Response<Body> {
    let mut response = match *request.method() {
        Method::OPTIONS => origin::preflight(request.headers()),
        Method::POST => post(app, peer, request).await,
        _ => answer::method_not_allowed(),
    };
    response.headers_mut().insert(REQUEST_ID, request_id());
    response
}

async fn post(app: &App, peer: &Peer, request: Request) -> Response<Body> {
    let began = Instant::now();
    let (parts, mut body) = request.into_parts();
    let key = parts.headers.get(API_KEY).map(HeaderValue::as_bytes);
    if !key.is_some_and(|key| app.keys.admits(key)) {
        app.metrics.refused(ErrorType::UnauthorizedException);
        discard(&mut body).await;
        return answer::unauthorized();
    }
    let body = match read(&parts.headers, &mut body).await {
        Ok(body) => mend_surrogates(body),
        Err(response) => return response,
    };
    let request = match GraphqlRequest::parse(&body) {
        Ok(request) => request,
        Err(error) => {
            app.metrics.refused(error.error_type());
            return bad_request(error);
        }
    };
    let address = caller(app, peer, &parts.headers);
    let json = match app.engine.prepare(&request, address.map(Network::of_local)) {
        Ok(prepared) => {
            let from = address.unwrap_or(peer.address);
            prepared.calls().for_each(|call| app.observer.called(call, from));
            let answer = prepared.run(&app.context).await;
            app.metrics.answered(answer.outcomes(), began.elapsed());
            answer.json
        }
        Err(errors) => {
            app.metrics.refused(ErrorType::ValidationError);
            refused(&errors)
        }
    };
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, answer::JSON);
    response
}

async fn read(headers: &HeaderMap, body: &mut Body) -> Result<Bytes, Response<Body>> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        discard(body).await;
        return Err(answer::too_large());
    }
    match timeout(BODY_TIMEOUT, Limited::new(&mut *body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(answer::too_large())
        }
        // The client went away in the middle of it.
        Ok(Err(_)) => Err(bad_request(RequestError::Malformed)),
        Err(_) => Err(answer::too_late()),
    }
}

fn bad_request(error: RequestError) -> Response<Body> {
    answer::error(StatusCode::BAD_REQUEST, error.error_type(), &error.to_string())
}

/// A number of its own for each answer, in the form of a UUID.
fn request_id() -> HeaderValue {
    use std::fmt::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    // Without randomness the numbers are still unique in this process.
    static PROCESS: LazyLock<u64> = LazyLock::new(|| getrandom::u64().unwrap_or_default());
    static NEXT: AtomicU64 = AtomicU64::new(0);

    let (process, next) = (*PROCESS, NEXT.fetch_add(1, Ordering::Relaxed));
    let mut id = String::with_capacity(36);
    // Writing to memory cannot fail, and hex digits are a valid header.
    let _ = write!(
        id,
        "{:08x}-{:04x}-{:04x}-{:04x}-{next:012x}",
        process >> 32,
        process >> 16 & 0xffff,
        process & 0xffff,
        next >> 48
    );
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
}
