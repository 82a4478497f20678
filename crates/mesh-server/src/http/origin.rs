//! Which web pages may call, and the CORS headers that tell browsers so.
//!
//! Source: the Fetch standard, "CORS protocol", and WICG's "Private Network Access".

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Response};

use super::allowed_origin::AllowedOrigin;
use super::hosts::Hosts;

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The headers of clients beyond those that browsers always allow.
const DEFAULT_HEADERS: &str = "content-type, x-api-key, x-amz-user-agent, authorization";
/// The headers for clients beyond those that browsers always show.
const EXPOSED_HEADERS: &str = "x-amzn-RequestId, x-amzn-ErrorType, retry-after";
/// The time for which browsers may remember a preflight's answer, in seconds.
const MAX_AGE: &str = "7200";

/// Whose pages may call beside the server's own.
#[derive(Clone, Debug)]
pub enum Origins {
    /// Any on loopback listeners, none elsewhere.
    Default,
    /// These.
    Listed(Vec<AllowedOrigin>),
}

/// A page that may not call.
pub(super) struct Foreign;

/// The origin of a request that may call; none if the request is no page's.
pub(super) struct Admitted(Option<HeaderValue>);

impl Origins {
    /// A page counts as the server's own if it was loaded under a name that is the server's: any other
    /// name may be one that a stranger made lead here.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        through_loopback: bool,
        hosts: &Hosts,
    ) -> Result<Admitted, Foreign> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(Admitted(None)) };
        let is_listed = match self {
            Self::Default => through_loopback,
            Self::Listed(listed) => {
                origin.to_str().is_ok_and(|origin| listed.iter().any(|listed| listed.admits(origin)))
            }
        };
        if is_listed || hosts.admit(headers) && is_same_origin(origin, headers.get(header::HOST)) {
            Ok(Admitted(Some(origin.clone())))
        } else {
            Err(Foreign)
        }
    }
}

/// A proxy may have ended TLS, so schemes are not compared.
fn is_same_origin(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
    let host = host.and_then(|host| host.to_str().ok());
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

impl Admitted {
    /// Adds what the browser needs to show the answer to the page.
    pub(super) fn allow(self, mut response: Response<Body>) -> Response<Body> {
        if let Some(origin) = self.0 {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let exposed = HeaderValue::from_static(EXPOSED_HEADERS);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        response
    }
}

/// The answer to a preflight of what is asked for by these methods.
pub(super) fn preflight(request: &HeaderMap, methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = axum::http::StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let allowed = asked.unwrap_or(HeaderValue::from_static(DEFAULT_HEADERS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    if request.contains_key(REQUEST_PRIVATE_NETWORK) {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}
