//! The upgrade to a WebSocket. Every one of an allowed origin is accepted, whatever its key: a probe
//! without credentials that is refused makes a whole classroom fall back to polling.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{Method, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use mesh_core::ErrorType;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tungstenite::handshake::derive_accept_key;

use super::graphql::API_KEY;
use super::{App, Peer, answer};
use crate::keys::ApiKeys;
use crate::limits::rates::Work;
use crate::realtime::connection::{Realtime, Upgrade, UpgradeKey, serve};
use crate::realtime::protocol::Protocol;
use crate::realtime::socket::Socket;
use crate::server::write_timeout::WriteTimeout;

/// The beginning of the sub-protocol in which clients send their credentials.
const HEADER_PROTOCOL: &str = "header-";

/// Returns `true` if a request asks for a WebSocket.
pub(super) fn is_wanted(request: &Request) -> bool {
    request.method() == Method::GET && has_token(request.headers(), &UPGRADE, "websocket")
}

/// What an upgraded socket is served by.
pub(super) trait SocketService: Send + 'static {
    /// Serves a socket until it closes.
    fn serve<R, W>(self, socket: Socket<R, W>) -> impl Future<Output = ()> + Send
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send;
}

/// GraphQL subscriptions.
struct Subscriptions {
    realtime: Arc<Realtime>,
    upgrade: Upgrade,
}

impl SocketService for Subscriptions {
    async fn serve<R, W>(self, socket: Socket<R, W>)
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        serve(self.realtime, self.upgrade, socket).await;
    }
}

/// A request whose upgrade can be accepted.
pub(super) struct Handshake {
    on_upgrade: OnUpgrade,
    response: Response<Body>,
}

impl Handshake {
    /// Checks what RFC 6455, section 4.2.1, demands of a request.
    ///
    /// # Errors
    ///
    /// The answer to a request that is not so.
    pub(super) fn read(request: &mut Request) -> Result<Self, Box<Response<Body>>> {
        let headers = request.headers();
        let version = headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
        let (Some(accept_key), Some(b"13")) = (headers.get(SEC_WEBSOCKET_KEY), version) else {
            let message = "An upgrade needs sec-websocket-key and sec-websocket-version: 13";
            let mut response =
                answer::error(StatusCode::BAD_REQUEST, ErrorType::BadRequestException, message);
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return Err(Box::new(response));
        };
        let accept_key = derive_accept_key(accept_key.as_bytes());
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept_key) = HeaderValue::try_from(accept_key) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept_key);
        }
        Ok(Self { on_upgrade: hyper::upgrade::on(request), response })
    }

    /// Accepts the upgrade, and serves the socket while `peer` counts as open.
    pub(super) fn accept(
        mut self,
        protocol: Option<&'static str>,
        service: impl SocketService,
        peer: Peer,
    ) -> Response<Body> {
        tokio::spawn(serve_upgraded(self.on_upgrade, service, peer));
        if let Some(protocol) = protocol {
            let headers = self.response.headers_mut();
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        self.response
    }
}

pub(super) fn accept(app: &Arc<App>, peer: Peer, mut request: Request) -> Response<Body> {
    let handshake = match Handshake::read(&mut request) {
        Ok(handshake) => handshake,
        Err(refusal) => return *refusal,
    };
    let headers = request.headers();
    let offered = protocols(headers);
    let Some(address) = super::caller(app, &peer, headers) else { return answer::unknown_caller() };
    if let Err(too_much) = app.limits.rates.admit(address, Work::Upgrades, 1) {
        return answer::too_much(too_much);
    }
    let key = upgrade_key(&app.keys, headers, request.uri().query(), &offered);
    let without_key = if key == UpgradeKey::Right {
        None
    } else {
        match app.limits.without_key.admit(address).filter(|admitted| !admitted.is_over_limit()) {
            Some(admitted) => Some(admitted),
            None => return answer::too_many_connections(),
        }
    };
    let (protocol, told) = Protocol::choose(&offered);
    let upgrade = Upgrade { protocol, key, address, rate: peer.rate.clone(), without_key };
    handshake.accept(told, Subscriptions { realtime: app.realtime.clone(), upgrade }, peer)
}

async fn serve_upgraded(on_upgrade: OnUpgrade, service: impl SocketService, peer: Peer) {
    // A client that went away during the handshake is nobody's loss.
    let Ok(upgraded) = on_upgrade.await else { return };
    match plain(upgraded) {
        Ok((socket, received)) => service.serve(Socket::plain(socket, received)).await,
        Err(upgraded) => {
            if let Some((socket, received)) = tls(upgraded) {
                let (reader, writer) = tokio::io::split(socket);
                service.serve(Socket::new(reader, writer, received)).await;
            }
        }
    }
    drop(peer);
}

/// The socket itself, without the layers that HTTP needed.
fn plain(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    let parts = upgraded.downcast::<TokioIo<WriteTimeout<TcpStream>>>()?;
    Ok((parts.io.into_inner().into_inner(), parts.read_buf))
}

fn tls(upgraded: Upgraded) -> Option<(TlsStream<TcpStream>, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<WriteTimeout<TlsStream<TcpStream>>>>().ok()?;
    Some((parts.io.into_inner().into_inner(), parts.read_buf))
}

fn protocols(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|protocol| protocol.trim().to_owned()).collect()
}

fn has_token(headers: &HeaderMap, name: &axum::http::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// The key that came with the upgrade: among the sub-protocols, in the query, or as a header, which no page can send.
fn upgrade_key(keys: &ApiKeys, headers: &HeaderMap, query: Option<&str>, protocols: &[String]) -> UpgradeKey {
    let in_query =
        query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("header="));
    let in_protocol = protocols.iter().find_map(|protocol| protocol.strip_prefix(HEADER_PROTOCOL));
    let of = |is_right: bool| if is_right { UpgradeKey::Right } else { UpgradeKey::Wrong };
    match (in_protocol.or(in_query), headers.get(API_KEY)) {
        (Some(header), _) => of(api_key(header).is_some_and(|key| keys.admits(key.as_bytes()))),
        (None, Some(key)) => of(keys.admits(key.as_bytes())),
        (None, None) => UpgradeKey::Missing,
    }
}

/// Reads `{host, x-api-key}` out of base64, standard or URL-safe, padded or not, percent-encoded or
/// not: living clients send all of these.
fn api_key(header: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Header {
        #[serde(rename = "x-api-key")]
        api_key: String,
    }

    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoder = GeneralPurpose::new(&alphabet::STANDARD, config);
    let header = percent_decode_str(header).decode_utf8_lossy();
    let header = header.replace('-', "+").replace('_', "/").replace(' ', "+");
    let json = decoder.decode(header).ok()?;
    serde_json::from_slice::<Header>(&json).ok().map(|header| header.api_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    #[test]
    fn finds_the_key_in_every_form() {
        let keys = ApiKeys::new(vec!["da2-a?b>c~".into()]);
        let json = |key: &str| format!(r#"{{"host":"h","x-amz-date":"d","x-api-key":"{key}"}}"#);
        let right = json("da2-a?b>c~");
        let standard = STANDARD.encode(&right);
        let encoded = standard.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
        let check = |query: Option<String>, protocols: &[String]| {
            upgrade_key(&keys, &HeaderMap::new(), query.as_deref(), protocols)
        };
        for header in [&standard, &encoded, &standard.replace('=', "")] {
            assert_eq!(
                check(Some(format!("header={header}&payload=e30=")), &[]),
                UpgradeKey::Right,
                "{header}"
            );
        }
        let protocol = format!("header-{}", URL_SAFE_NO_PAD.encode(&right));
        assert_eq!(check(None, &["graphql-ws".into(), protocol]), UpgradeKey::Right);

        assert_eq!(check(None, &["graphql-ws".into()]), UpgradeKey::Missing);
        assert_eq!(check(Some("payload=e30=".into()), &[]), UpgradeKey::Missing);
        let wrong = STANDARD.encode(json("da2-wrong"));
        for header in [&*wrong, "", "!!!", "e30=", "%", "%zz", &STANDARD.encode("{")] {
            assert_eq!(check(Some(format!("header={header}")), &[]), UpgradeKey::Wrong, "{header}");
        }
        assert_eq!(check(None, &["header-!".into()]), UpgradeKey::Wrong);
        for (key, expected) in [("da2-a?b>c~", UpgradeKey::Right), ("da2-wrong", UpgradeKey::Wrong)] {
            let headers = HeaderMap::from_iter([(API_KEY, HeaderValue::from_static(key))]);
            assert_eq!(upgrade_key(&keys, &headers, None, &[]), expected);
        }
    }
}
