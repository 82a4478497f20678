//! Requests to /graphql: checks in AppSync's order, then the engine.

mod by_get;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use mesh_core::ErrorType;
use tokio::time::timeout;

use super::body::discard;
use super::{App, Peer, answer, caller, origin, pieces};
use crate::graphql::answer::{Prepared, refused};
use crate::graphql::request::{Request as GraphqlRequest, RequestError, mend_surrogates};
use crate::limits::answers::Meter;
use crate::limits::buffers::{Full, Hold};
use crate::limits::rates::{TooMuch, Work};

/// The largest body.
pub(super) const MAX_BODY_BYTES: usize = 1 << 20;
/// The longest time that a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

pub(super) async fn serve(app: &App, peer: &Peer, request: Request) -> Response<Body> {
    let mut response = match *request.method() {
        Method::OPTIONS => origin::preflight(request.headers(), "GET, POST, OPTIONS"),
        Method::POST => post(app, peer, request).await,
        Method::GET if request.uri().query().is_some() => {
            by_get::get(app, peer, &request.into_parts().0).await
        }
        _ => answer::method_not_allowed(),
    };
    response.headers_mut().insert(REQUEST_ID, request_id());
    response
}

async fn post(app: &App, peer: &Peer, request: Request) -> Response<Body> {
    let began = Instant::now();
    let (parts, mut body) = request.into_parts();
    let address = match authorised(app, peer, &parts.headers) {
        Ok(address) => address,
        Err(refusal) => {
            discard(&mut body).await;
            return *refusal;
        }
    };
    let mut hold = app.limits.buffers.hold(address);
    let body = match read(&parts.headers, &mut body, &mut hold).await {
        Ok(body) => mend_surrogates(body),
        Err(response) => {
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                app.metrics.refused(ErrorType::LimitExceededError);
            }
            return response;
        }
    };
    if let Err(too_much) = admit_bytes(app, peer, address, body.len()) {
        return refuse(app, too_much);
    }
    let meter = app.limits.rates.meter(address, &peer.rate);
    let prepared = match prepare(app, address, GraphqlRequest::parse(&body), &meter).await {
        Ok(prepared) => prepared,
        Err(refusal) => return *refusal,
    };
    if let Err(too_much) = app.executor.admit(address, &prepared, body.len()) {
        return answer::too_much(too_much);
    }
    // What the request was made of is not needed while it runs.
    drop(body);
    hold.release();
    run(app, prepared, hold, &meter, began).await
}

/// The answer to a request that is not run.
type Refusal = Box<Response<Body>>;

/// The address of a caller with a right key.
fn authorised(app: &App, peer: &Peer, headers: &HeaderMap) -> Result<IpAddr, Refusal> {
    let address = caller(app, peer, headers).ok_or_else(|| Box::new(answer::unknown_caller()))?;
    let key = headers.get(API_KEY).map(HeaderValue::as_bytes);
    if key.is_some_and(|key| app.keys.admits(key)) {
        return Ok(address);
    }
    app.metrics.refused(ErrorType::UnauthorizedException);
    Err(garbage(app, address).unwrap_or_else(answer::unauthorized).into())
}

async fn prepare(
    app: &App,
    address: IpAddr,
    request: Result<GraphqlRequest<'_>, RequestError>,
    meter: &Meter<'_>,
) -> Result<Prepared, Refusal> {
    let mut request = request.map_err(|error| {
        app.metrics.refused(error.error_type());
        garbage(app, address).unwrap_or_else(|| bad_request(error))
    })?;
    let engine = &app.executor.engine;
    let parsed = engine.parse_long(&mut request, meter).await.map_err(|too_much| refuse(app, too_much))?;
    let prepared = parsed.and_then(|()| engine.prepare(&request, Some(address)));
    prepared.map_err(|errors| {
        app.metrics.refused(ErrorType::ValidationError);
        garbage(app, address).unwrap_or_else(|| json(refused(&errors).into())).into()
    })
}

async fn run(
    app: &App,
    prepared: Prepared,
    mut hold: Hold,
    meter: &Meter<'_>,
    began: Instant,
) -> Response<Body> {
    match app.executor.run(prepared, &mut hold, meter, began).await {
        Ok(answer) => json(hold.keep_with(answer)),
        Err(Full) => answer::too_many_bytes(),
    }
}

fn json(bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(pieces::body(bytes));
    response.headers_mut().insert(CONTENT_TYPE, answer::JSON);
    response
}

fn admit_bytes(app: &App, peer: &Peer, address: IpAddr, bytes: usize) -> Result<(), TooMuch> {
    peer.rate.admit(1, bytes)?;
    app.limits.rates.admit(address, Work::Bytes, bytes)
}

/// Counts a request that nothing can be done with; an answer if there were too many of them.
fn garbage(app: &App, address: IpAddr) -> Option<Response<Body>> {
    let admitted = app.limits.rates.admit(address, Work::Garbage, 1);
    admitted.err().map(|too_much| refuse(app, too_much))
}

fn refuse(app: &App, too_much: TooMuch) -> Response<Body> {
    app.metrics.refused(ErrorType::LimitExceededError);
    answer::too_much(too_much)
}

/// Reads a body, whose bytes are counted while they arrive.
async fn read(headers: &HeaderMap, body: &mut Body, hold: &mut Hold) -> Result<Bytes, Response<Body>> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        discard(body).await;
        return Err(answer::too_large());
    }
    match timeout(BODY_TIMEOUT, collect(body, announced.unwrap_or(0), hold)).await {
        Ok(Ok(collected)) => Ok(collected),
        Ok(Err(Unread::TooLarge)) => {
            discard(body).await;
            Err(answer::too_large())
        }
        Ok(Err(Unread::NoRoom)) => {
            discard(body).await;
            Err(answer::too_many_bytes())
        }
        Ok(Err(Unread::Broken)) => Err(bad_request(RequestError::Malformed)),
        Err(_) => Err(answer::too_late()),
    }
}

/// Why a body was not read to its end.
enum Unread {
    TooLarge,
    /// Too much of other bodies and answers is on its way.
    NoRoom,
    /// The client went away in the middle of it.
    Broken,
}

async fn collect(body: &mut Body, announced: usize, hold: &mut Hold) -> Result<Bytes, Unread> {
    let mut collected = Bytes::new();
    let mut parts = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        if parts.is_empty() && (collected.is_empty() || data.is_empty()) {
            // Most bodies come in one part, which is not copied.
            collected = if collected.is_empty() { data } else { collected };
            hold.grow_to(collected.len()).map_err(|Full| Unread::NoRoom)?;
            continue;
        }
        if parts.is_empty() {
            parts.reserve_exact(announced.min(MAX_BODY_BYTES));
            parts.extend_from_slice(&collected);
        }
        if parts.len() + data.len() > MAX_BODY_BYTES {
            return Err(Unread::TooLarge);
        }
        hold.grow_to(parts.len() + data.len()).map_err(|Full| Unread::NoRoom)?;
        parts.extend_from_slice(&data);
    }
    if collected.len() > MAX_BODY_BYTES {
        return Err(Unread::TooLarge);
    }
    Ok(if parts.is_empty() { collected } else { parts.into() })
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
